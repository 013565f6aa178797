/* One page of a file, under the file's lock: for the files of this folder. */
#ifndef FILE_PAGE_H
#define FILE_PAGE_H

#include "file/file.h"

#define PAGE_OF(offset) ((uint64_t)(offset) >> PAGE_SHIFT)
#define WITHIN(offset) ((offset) & (PAGE_BYTES - 1))

/* Every change of a frame's state: takes it off its list and puts it at the end of the new state's. FRAME_FREE also takes it out of
 * readers' view and ends its life. */
void page_move(struct files *files, struct file_index *index, struct frame_index *frame, enum frame_state state);
/* The same for all frames of a state, to the end of the other's list; neither is FRAME_FREE. */
void page_move_all(struct files *files, struct file_index *index, enum frame_state from, enum frame_state to);
/* Readers no longer see the frame, but it stays what it is. */
void page_hide(struct files *files, struct file_index *index, struct frame_index *frame);
/* The other way: readers see it again, unless they see a newer one or it was cut off for good. */
void page_show(struct files *files, struct file_index *index, struct frame_index *frame);
/* A frame that is new to the file's index: readers see it. */
void page_enter_view(struct file_index *index, struct frame_index *frame);
void page_set_failed(struct file_index *index, struct frame_index *frame, bool failed);
/* The frame that readers see, or NULL: the store's bytes. */
struct frame_index *page_find(struct file_index *index, uint64_t page);
/* What the frame replaced and is still there, or NULL. */
struct frame_index *page_older(struct files *files, struct file_index *index, const struct frame_index *frame);
/* The page as readers see it. */
int page_load(struct files *files, struct file_index *index, uint64_t page, void *memory);
/* `frame`, whose memory is filled, becomes what readers see. */
void page_publish(struct files *files, struct file_index *index, uint32_t frame, uint64_t page, uint32_t flags);
/* A frame for a page of the file that is to be received; -EAGAIN: none in memory, and the caller may not spill; -EDQUOT, -ENOSPC. */
int page_take_frame(struct files *files, struct file_index *index, bool may_spill, uint32_t *frame);
/* A frame whose content may be changed in place: the received one, or a new copy that is published when the caller is done. -EAGAIN: no
 * frame in memory, and the caller may not spill. */
int page_change(struct files *files, struct file_index *index, uint64_t page, bool may_spill, uint32_t *frame, bool *fresh);
/* The page is cut off: its frame is freed, or hidden while its own commit needs it. */
void page_cut(struct files *files, struct file_index *index, struct frame_index *frame);
/* The store's bytes at `offset`, zeros from `valid` on and after the end of the store's file. */
int page_read_store(int fd, unsigned char *buffer, size_t size, uint64_t offset, uint64_t valid);

#endif
