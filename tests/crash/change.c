/* What programs do to the files. */
#include "config.h"

#include <string.h>

#include "steps.h"

void page_fill(struct model_page page, unsigned char *bytes)
{
    memset(bytes, 0, 4096);
    if (page.tag == 0)
        return;
    for (uint64_t i = 0; i < 4096 / 8; i++)
        memcpy(bytes + 8 * i, &(uint64_t){(page.tag * UINT64_C(0x100000001)) ^ (i << 32)}, 8);
    memset(bytes + page.cut, 0, 4096 - page.cut);
}

int some_file(struct model *model)
{
    int slot = 1 + (int)below(model, DISK_SLOTS - 1);
    return model->now.files[slot].exists ? slot : -1;
}

void touch(struct model *model, int slot)
{
    model->now.files[slot].times[1] = (struct timespec){.tv_sec = model->clock++, .tv_nsec = slot};
    model->open[slot].changed = true;
}

void set_page(struct model *model, int slot, uint64_t page, uint32_t tag)
{
    struct open_file *open = &model->open[slot];
    model->now.files[slot].pages[page] = (struct model_page){.tag = tag, .cut = 4096};
    open->dirty[page] = true;
    open->ahead[page] = false;
}

void grow_to(struct model *model, int slot, uint64_t size)
{
    struct model_file *file = &model->now.files[slot];
    if (size <= file->size)
        return;
    struct model_page *last = &file->pages[file->size / 4096];
    struct open_file *open = &model->open[slot];
    if (file->size % 4096 != 0 && last->cut > file->size % 4096) {
        last->cut = file->size % 4096;
        open->ahead[file->size / 4096] = false;
    }
    file->size = size;
}

void step_write(struct model *model)
{
    int slot = some_file(model);
    if (slot < 0)
        return;
    uint64_t first = below(model, MODEL_PAGES);
    uint64_t count = 1 + below(model, 5);
    for (uint64_t page = first; page < first + count && page < MODEL_PAGES; page++) {
        uint64_t end = page * 4096 + (below(model, 2) == 0 ? 4096 : 1 + below(model, 4096));
        grow_to(model, slot, end);
        set_page(model, slot, page, model->next_tag++);
    }
    touch(model, slot);
}

void forget_stream(struct model *model, int slot)
{
    struct open_file *open = &model->open[slot];
    memset(open->ahead, 0, sizeof(open->ahead));
    open->stream = model->next_stream++;
    open->first_position = 0;
}

void step_truncate(struct model *model)
{
    int slot = some_file(model);
    if (slot < 0)
        return;
    struct model_file *file = &model->now.files[slot];
    struct open_file *open = &model->open[slot];
    uint64_t size = below(model, 3) == 0 ? below(model, MODEL_PAGES + 1) * 4096 : below(model, MODEL_BYTES + 1);
    if (size < file->size) {
        forget_stream(model, slot);
        for (uint64_t page = (size + 4095) / 4096; page < MODEL_PAGES; page++) {
            file->pages[page] = (struct model_page){0};
            open->dirty[page] = false;
        }
        if (size % 4096 != 0 && file->pages[size / 4096].cut > size % 4096)
            file->pages[size / 4096].cut = size % 4096;
        if (size < open->shortest)
            open->shortest = size;
        file->size = size;
    } else {
        grow_to(model, slot, size);
    }
    touch(model, slot);
}

void step_punch(struct model *model)
{
    int slot = some_file(model);
    if (slot < 0)
        return;
    uint64_t first = below(model, MODEL_PAGES);
    uint64_t count = 1 + below(model, 4);
    for (uint64_t page = first; page < first + count && (page + 1) * 4096 <= model->now.files[slot].size; page++)
        set_page(model, slot, page, 0);
    touch(model, slot);
}
