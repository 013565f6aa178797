/* Who the calling process and thread are, for the locks: a child made by fork is another process, with its parent's memory. */
#ifndef LIBMAPSHARE_PROCESS_H
#define LIBMAPSHARE_PROCESS_H

#include <stdatomic.h>
#include <stdint.h>

/* The process's number, which its children do not have: a word that the kernel clears for them. Read it through mapshare_epoch(). */
extern _Atomic(const volatile uint64_t *) mapshare_epoch_word;

struct mapshare_thread {
    uint64_t epoch; /* in which the rest was found out */
    uint32_t number;
};

extern _Thread_local struct mapshare_thread mapshare_thread __attribute__((tls_model("initial-exec")));

/* Finds them out. 0 or -errno. `ended` is called in each such thread when it ends. */
int mapshare_process_begin(void (*ended)(void));
int mapshare_thread_begin(void);

/* 0: not known. */
static inline uint64_t mapshare_epoch(void)
{
    return *atomic_load_explicit(&mapshare_epoch_word, memory_order_relaxed);
}

#endif
