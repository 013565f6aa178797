/* Reads a mapped file that somebody else may cut short at any moment, and lives: SIGBUS becomes a shorter count or an error. */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <mapshare.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    long rounds = argc > 2 ? atol(argv[2]) : 1;
    unsigned char buffer[65536];
    struct mapshare *ms;

    if (argc < 2 || argc > 3 || rounds < 1) {
        fprintf(stderr, "usage: safe-reader FILE [ROUNDS]\nAdds up the bytes of FILE, even while it shrinks.\n");
        return 2;
    }
    ms = mapshare_open(argv[1], O_RDONLY, 0, NULL);
    if (!ms)
        err(1, "%s", argv[1]);
    while (rounds-- > 0) {
        uint64_t offset = 0, sum = 0;
        ssize_t count;

        while ((count = mapshare_read(ms, buffer, sizeof(buffer), offset)) > 0) {
            for (ssize_t i = 0; i < count; i++)
                sum += buffer[i];
            offset += (uint64_t)count;
        }
        if (count < 0)
            err(1, "%s, byte %" PRIu64, argv[1], offset); /* the file has this byte, but it cannot be had */
        printf("%" PRIu64 " bytes, sum %" PRIu64 "\n", offset, sum);
    }
    return mapshare_close(ms) ? 1 : 0;
}
