/* wait-remount commit|wait FILE [SEQUENCE]: what wait-remount.sh runs. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mapshare.h"

static int fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    return 1;
}

int main(int argc, char **argv)
{
    struct mapshare_options options = {.struct_size = sizeof options, .size = 4096};
    struct mapshare_receipt receipt;
    struct mapshare *ms;

    if (argc < 3)
        return 2;
    ms = mapshare_open(argv[2], O_RDWR | O_CREAT, 0644, &options);
    if (!ms)
        return fail(argv[2]);
    if (argc > 3) {
        if (mapshare_wait(ms, strtoull(argv[3], NULL, 10), &(struct timespec){.tv_sec = atoi(argv[4])}))
            return fail("mapshare_wait");
        return mapshare_close(ms) ? fail("mapshare_close") : 0;
    }
    ((char *)mapshare_addr(ms))[0]++;
    if (mapshare_sync(ms, 0, 4096, MS_SYNC, &receipt))
        return fail("mapshare_sync");
    printf("%" PRIu64 "\n", receipt.sequence);
    return mapshare_close(ms) ? fail("mapshare_close") : 0;
}
