#include "config.h"

#include "process.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif

static const uint64_t none;
_Atomic(const volatile uint64_t *) mapshare_epoch_word = &none;
_Thread_local struct mapshare_thread mapshare_thread __attribute__((tls_model("initial-exec")));

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t *word, last; /* a child goes on counting where its parent was */
static pthread_key_t key;
static void (*thread_ended)(void);

static void end_thread(void *value)
{
    (void)value;
    thread_ended();
}

static int make_word(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *address;
    int error = pthread_key_create(&key, end_thread);

    if (error)
        return -error;
    address = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address != MAP_FAILED && madvise(address, page, MADV_WIPEONFORK) == 0) {
        word = address;
        return 0;
    }
    error = -errno;
    pthread_key_delete(key);
    if (address != MAP_FAILED)
        munmap(address, page);
    return error;
}

int mapshare_process_begin(void (*ended)(void))
{
    int error = 0;

    pthread_mutex_lock(&lock);
    thread_ended = ended;
    if (!word)
        error = make_word();
    if (error == 0 && *word == 0)
        *word = ++last;
    if (error == 0)
        mapshare_epoch_word = word;
    pthread_mutex_unlock(&lock);
    return error;
}

int mapshare_thread_begin(void)
{
    int error = pthread_setspecific(key, &mapshare_thread); /* any value, so that its end is told */

    if (error)
        return -error;
    mapshare_thread = (struct mapshare_thread){.epoch = mapshare_epoch(), .number = (uint32_t)gettid()};
    return 0;
}
