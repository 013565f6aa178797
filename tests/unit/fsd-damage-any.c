/* Random bytes of random records are damaged between deaths of the worker: files that were not hit are as they were, and no file of the store gets
 * what is not its own. SEED: one round again. */
#include "config.h"

#include "fsd-damage.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "file/flusher.h"

#define FILES 6
#define PAGES 8
#define ROUNDS 150

/* A file's letters: what its store had, what was committed, what was received. */
static const char letters[3][FILES + 1] = {"abcdef", "ABCDEF", "123456"};

struct model {
    struct house *house;
    uint32_t files[FILES], handles[FILES];
    char now[FILES][PAGES + 1];
    bool hit[FILES];    /* one of its records was */
    bool sealed[FILES]; /* in one byte, which a long seal tells of */
    bool known[FILES];  /* and that was noticed */
};

static unsigned draw(unsigned below)
{
    return (unsigned)random() % below;
}

static void name_of(int i, char name[2])
{
    name[0] = letters[0][i];
    name[1] = 0;
}

static void store_page(struct model *model, int i, int generation)
{
    unsigned page = draw(PAGES);

    put_page(model->house, model->files[i], page, letters[generation][i]);
    model->now[i][page] = letters[generation][i];
}

static void begin(struct model *model)
{
    *model = (struct model){.house = house_open(1024, 0, 2 * MIB)};
    for (int i = 0; i < FILES; i++) {
        char name[2];

        name_of(i, name);
        model->files[i] = make_file(model->house, name, PAGES, name[0]);
        memset(model->now[i], name[0], PAGES);
        if (i % 2)
            file_set_atomic(model->house->files, model->files[i], true);
        model->handles[i] = make_handle(model->house, model->files[i]);
    }
}

/* Something of each state. */
static void work(struct model *model)
{
    for (int i = 0; i < FILES; i++) {
        if (model->hit[i])
            continue;
        for (unsigned n = draw(4); n; n--)
            store_page(model, i, 1);
        if (draw(2))
            assert_int_equal(commit_file(model->house, model->files[i]), 0);
        if (draw(8) == 0)
            checkpoint_all(model->house->files);
        for (unsigned n = draw(4); n; n--)
            store_page(model, i, 2);
    }
}

static void hit_file(struct model *model, uint32_t file, bool sealed)
{
    for (int i = 0; i < FILES; i++) {
        model->hit[i] |= file && model->files[i] == file;
        model->sealed[i] |= file && model->files[i] == file && sealed;
    }
}

static void hit_inode(struct model *model, uint32_t inode)
{
    for (int i = 0; i < FILES; i++)
        model->hit[i] |= inode_of(model->house, model->files[i]) == inode;
}

/* A few bytes of one record. */
static void damage(struct model *model)
{
    const struct arena *arena = &model->house->arena;
    unsigned i = draw(FILES), record, size = 0, count = 1 + (draw(4) == 0) * draw(8), at = UINT32_MAX;
    unsigned char *bytes = NULL;

    switch (draw(5)) {
    case 0:
        record = inode_of(model->house, model->files[i]);
        bytes = (unsigned char *)&arena->inodes[record], size = sizeof arena->inodes[0];
        hit_inode(model, record);
        break;
    case 1:
        bytes = (unsigned char *)&arena->files[model->files[i]], size = sizeof arena->files[0];
        hit_file(model, model->files[i], false);
        break;
    case 2:
    case 3: /* in use, or not */
        record = 1 + draw(64);
        bytes = (unsigned char *)&arena->frames[record], size = sizeof arena->frames[0];
        at = draw(size);
        hit_file(model, arena->frames[record].file, count == 1 && at < offsetof(struct frame, position));
        break;
    case 4:
        bytes = (unsigned char *)&arena->handles[model->handles[i]], size = sizeof arena->handles[0];
        hit_file(model, model->files[i], false);
    }
    at = at < size ? at : draw(size);
    for (; count-- && at < size; at++)
        bytes[at] ^= 1 + draw(255);
}

/* A file that was not hit is as it was. One that was is refused, or what was damaged cannot be told from sense: a size, a time, a count. */
static void check_seen(struct model *model)
{
    for (int i = 0; i < FILES; i++) {
        const struct file *truth = &model->house->arena.files[model->files[i]];

        if (!model->hit[i]) {
            assert_int_equal(truth->error, 0);
            assert_string_equal(seen(model->house, model->files[i], 0, PAGES), model->now[i]);
        } else if (truth->inode && file_is_damaged(truth)) {
            model->known[i] = true;
            assert_refused(model->house, model->files[i]);
        } else {
            assert_false(model->known[i] || model->sealed[i]);
        }
    }
}

static void check_stored(struct model *model)
{
    for (int i = 0; i < FILES; i++) {
        const char own[] = {letters[0][i], letters[1][i], letters[2][i], '.', 0};
        const char *pages;
        char name[2];

        name_of(i, name);
        pages = stored(model->house, name);
        if (!model->hit[i])
            assert_string_equal(pages, model->now[i]);
        else
            assert_int_equal(strspn(pages, own), strlen(pages));
    }
}

/* As at unmount; what was hit may fail, and is tried again and again. */
static void finish(struct model *model)
{
    for (int i = 0; i < FILES; i++) {
        if (!model->hit[i])
            assert_int_equal(commit_file(model->house, model->files[i]), 0);
    }
    flush_all(model->house->files);
    for (int i = 0; i < FILES; i++)
        checkpoint_all(model->house->files);
}

static void any_bytes(void **state)
{
    const char *given = getenv("SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL), first = seed, hit = 0, known = 0;

    (void)state;
    print_message("seed: SEED=%u\n", seed);
    for (; seed < first + (given ? 1 : ROUNDS); seed++) {
        struct model model;

        print_message("SEED=%u\n", seed);
        srandom(seed);
        begin(&model);
        for (int death = 0; death < 4; death++) {
            work(&model);
            damage(&model);
            house_replace_worker(model.house);
            check_seen(&model);
        }
        finish(&model);
        check_stored(&model);
        for (int i = 0; i < FILES; i++)
            hit += model.hit[i], known += model.known[i];
        house_close(model.house);
    }
    print_message("%u files were hit, %u of them noticed\n", hit, known);
    assert_true(known > hit / 2 || given);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_bytes)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
