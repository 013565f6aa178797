/* One page: how it changes state, and what readers see of it. */
#include "config.h"

#include "file/page.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "file/used.h"
#include "file/version.h"

void page_set_failed(struct file_index *index, struct frame_index *frame, bool failed)
{
    index->view.failed += failed - frame->failed;
    frame->failed = failed;
}

/* The arrows of the diagram in frame.h. */
static bool may_become(enum frame_state from, enum frame_state to)
{
    switch (to) {
    case FRAME_RECEIVED:
        return from == FRAME_FREE || from == FRAME_COMMITTING;
    case FRAME_COMMITTING:
        return from == FRAME_RECEIVED;
    case FRAME_COMMITTED:
        return from == FRAME_COMMITTING || from == FRAME_WRITEBACK;
    case FRAME_WRITEBACK:
        return from == FRAME_COMMITTED;
    default:
        return from != FRAME_FREE;
    }
}

/* Under the file's lock: others only read it. */
static void count(struct file_index *index, enum frame_state state, uint32_t change)
{
    uint32_t now = atomic_load_explicit(&index->view.counts[state], memory_order_relaxed);

    atomic_store_explicit(&index->view.counts[state], now + change, memory_order_relaxed);
}

static bool is_uncommitted(enum frame_state state)
{
    return state == FRAME_RECEIVED || state == FRAME_COMMITTING;
}

static void leave_view(struct file_index *index, struct frame_index *frame)
{
    used_leave(index, frame);
    RB_REMOVE(frame_tree, &index->view.tree, frame);
    frame->in_view = false;
    index->view.hidden[frame->state] += frame->listed;
}

void page_enter_view(struct file_index *index, struct frame_index *frame)
{
    RB_INSERT(frame_tree, &index->view.tree, frame);
    frame->in_view = true;
    index->view.hidden[frame->state] -= frame->listed;
}

/* The number may be another frame's by now: the rest of another file's is not ours to look at. */
struct frame_index *page_older(struct files *files, struct file_index *index, const struct frame_index *frame)
{
    struct frame_index *older = &files->frames->index[frame->older];
    bool is = frame->older && frame_truth(files->frames, older)->file == index - files->index && older->state != FRAME_FREE &&
              older->page == frame->page && older->version < frame->version;

    return is ? older : NULL;
}

/* It goes from between a newer one and what it replaced itself. */
static void unlink_older(struct files *files, struct file_index *index, const struct frame_index *frame)
{
    struct frame_index *newer = page_find(index, frame->page), *older;

    while (newer && (older = page_older(files, index, newer)) != frame)
        newer = older;
    if (newer)
        newer->older = frame->older;
}

void page_move(struct files *files, struct file_index *index, struct frame_index *frame, enum frame_state state)
{
    assert(may_become(frame->state, state));
    if (is_uncommitted(frame->state) != is_uncommitted(state))
        share_count(files, index, frame, is_uncommitted(state) ? 1 : -1);
    if (frame->listed) {
        TAILQ_REMOVE(&index->view.lists[frame->state], frame, link);
        count(index, frame->state, -1);
        index->view.hidden[frame->state] -= !frame->in_view;
        frame->listed = false;
    }
    if (state == FRAME_FREE) {
        page_set_failed(index, frame, false);
        if (frame->in_view)
            leave_view(index, frame);
        else if (frame->state == FRAME_COMMITTING)
            unlink_older(files, index, frame);
        frame_free(files->frames, frame);
        return;
    }
    frame->state = state;
    frame->listed = true;
    TAILQ_INSERT_TAIL(&index->view.lists[state], frame, link);
    count(index, state, 1);
    index->view.hidden[state] += !frame->in_view;
}

void page_move_all(struct files *files, struct file_index *index, enum frame_state from, enum frame_state to)
{
    struct frame_index *frame;

    assert(may_become(from, to));
    TAILQ_FOREACH (frame, &index->view.lists[from], link) {
        frame->state = to;
        if (is_uncommitted(from) != is_uncommitted(to))
            share_count(files, index, frame, is_uncommitted(to) ? 1 : -1);
    }
    TAILQ_CONCAT(&index->view.lists[to], &index->view.lists[from], link);
    count(index, to, index->view.counts[from]);
    index->view.counts[from] = 0;
    index->view.hidden[to] += index->view.hidden[from];
    index->view.hidden[from] = 0;
}

void page_hide(struct files *files, struct file_index *index, struct frame_index *frame)
{
    leave_view(index, frame);
    atomic_fetch_or(&frame_truth(files->frames, frame)->flags, FRAME_HIDDEN);
}

void page_show(struct files *files, struct file_index *index, struct frame_index *frame)
{
    struct frame_index *seen = page_find(index, frame->page);
    bool backed = seen && seen->backed;

    if (frame->in_view || frame_truth(files->frames, frame)->flags & FRAME_VOID || (seen && seen->version > frame->version))
        return;
    if (seen)
        page_hide(files, index, seen);
    atomic_fetch_and(&frame_truth(files->frames, frame)->flags, ~FRAME_HIDDEN);
    used_enter(files, index, frame, backed);
    page_enter_view(index, frame);
}

void page_publish(struct files *files, struct file_index *index, uint32_t number, uint64_t page, uint32_t flags)
{
    struct frame_index *frame = &files->frames->index[number], *old = page_find(index, page);

    frame_publish(files->frames, number, index - files->index, page, flags);
    used_enter(files, index, frame, old && old->backed);
    if (old && old->state == FRAME_RECEIVED) {
        frame->older = old->older;
        page_move(files, index, old, FRAME_FREE);
    } else if (old) { /* invariant 5: it stays until its own write is done */
        frame->older = frame_number(files->frames, old);
        page_hide(files, index, old);
    }
    page_enter_view(index, frame);
    page_move(files, index, frame, FRAME_RECEIVED);
}

int page_take_frame(struct files *files, struct file_index *index, bool may_spill, uint32_t *number)
{
    int error = share_check(files, index);

    if (error == -EDQUOT)
        return error;
    return frame_take_one(files->frames, error ? FRAME_IN_SPILL : may_spill ? FRAME_ANYWHERE : FRAME_IN_MEMORY, number);
}

int page_change(struct files *files, struct file_index *index, uint64_t page, bool may_spill, uint32_t *number, bool *fresh)
{
    struct frame_index *old = page_find(index, page);
    int error;

    *fresh = !(old && old->state == FRAME_RECEIVED);
    if (!*fresh) {
        *number = frame_number(files->frames, old);
        atomic_fetch_and(&frame_truth(files->frames, old)->flags, ~FRAME_HOLE);
        used_leave(index, old);
        used_enter(files, index, old, old->backed);
        return 0;
    }
    error = page_take_frame(files, index, may_spill, number);
    if (error)
        return error;
    error = page_load(files, index, page, arena_page(files->arena, *number));
    if (error)
        frame_give(files->frames, number, 1);
    return error;
}

void page_cut(struct files *files, struct file_index *index, struct frame_index *frame)
{
    if (frame->state == FRAME_RECEIVED)
        page_move(files, index, frame, FRAME_FREE);
    else
        page_hide(files, index, frame);
}

struct frame_index *page_find(struct file_index *index, uint64_t page)
{
    struct frame_index key;

    key.page = page;
    return RB_FIND(frame_tree, &index->view.tree, &key);
}

int page_read_store(int fd, unsigned char *buffer, size_t size, uint64_t offset, uint64_t valid)
{
    size_t want = offset >= valid ? 0 : valid - offset < size ? valid - offset : size;
    ssize_t done = store_read(fd, buffer, want, offset);

    if (done < 0)
        return done;
    memset(buffer + done, 0, size - done);
    return 0;
}

int page_load(struct files *files, struct file_index *index, uint64_t page, void *memory)
{
    uint32_t inode = file_truth(files, index)->inode;
    struct frame_index *frame = page_find(index, page);
    struct descriptor *descriptor;
    int error;

    if (frame) {
        memcpy(memory, frame_memory(files->frames, frame), PAGE_BYTES);
        return 0;
    }
    error = descriptor_get(files->descriptors, inode, &descriptor);
    if (error)
        return error;
    error = page_read_store(descriptor->fd, memory, PAGE_BYTES, page << PAGE_SHIFT, version_void_from(files, index));
    descriptor_put(files->descriptors, descriptor);
    return error;
}
