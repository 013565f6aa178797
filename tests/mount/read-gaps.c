/* Reads that span pages in memory, pages in the store only, and holes, in every combination of six pages; each byte is checked.
 * Argument: a folder. The bytes of another file were in memory before, so that what is not filled shows. */
#include "config.h"

#include "check.h"

#define SPAN 6

enum place { HOLE, STORED, WRITTEN, PLACES };

static unsigned char filler(enum place place, int page)
{
    return place == HOLE ? 0 : (unsigned char)(place * 32 + page + 1);
}

static void put_page(int fd, enum place place, int page)
{
    char buffer[PAGE];

    memset(buffer, filler(place, page), PAGE);
    CHECK(pwrite(fd, buffer, PAGE, (off_t)page * PAGE) == PAGE);
}

/* The number's digits to base three tell where each page is. */
static void check_combination(int number)
{
    char name[40], buffer[SPAN * PAGE];
    int fd, digits = number;

    snprintf(name, sizeof(name), "combination-%d", number);
    fd = make_file(name, SPAN * PAGE);
    for (int page = 0; page < SPAN; page++, digits /= PLACES)
        if (digits % PLACES == STORED)
            put_page(fd, STORED, page);
    CHECK(fsync(fd) == 0);
    digits = number;
    for (int page = 0; page < SPAN; page++, digits /= PLACES)
        if (digits % PLACES == WRITTEN)
            put_page(fd, WRITTEN, page);
    CHECK(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0); /* the kernel's copies go: the daemon must answer */
    memset(buffer, 0x55, sizeof(buffer));
    CHECK(pread(fd, buffer, sizeof(buffer), 0) == SPAN * PAGE);
    digits = number;
    for (int page = 0; page < SPAN; page++, digits /= PLACES)
        for (int i = 0; i < PAGE; i++)
            CHECK((unsigned char)buffer[page * PAGE + i] == filler(digits % PLACES, page), "combination %d, page %d, byte %d is %d",
                  number, page, i, buffer[page * PAGE + i]);
    close(fd);
}

int main(int argc, char **argv)
{
    static char other[1 << 20];
    int fd, combinations = 1;

    CHECK(argc == 2);
    CHECK(chdir(argv[1]) == 0);
    memset(other, 'o', sizeof(other));
    fd = make_file("other", 0);
    for (int i = 0; i < 8; i++)
        CHECK(write(fd, other, sizeof(other)) == sizeof(other));
    CHECK(fsync(fd) == 0);
    CHECK(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
    for (int i = 0; i < 8; i++)
        CHECK(pread(fd, other, sizeof(other), (off_t)i * (off_t)sizeof(other)) == sizeof(other));
    for (int page = 0; page < SPAN; page++)
        combinations *= PLACES;
    for (int i = 0; i < combinations; i++)
        check_combination(i);
    printf("%d combinations\n", combinations);
    return 0;
}
