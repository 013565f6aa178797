#include "config.h"

#include "follow/remote.h"

#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHELL "ssh -o BatchMode=yes -o ServerAliveInterval=15"
#define WORDS_MOST 64

/* HOST:FOLDER, where there is no slash before. NULL: it is a folder of this machine. */
static const char *folder_of(const char *destination)
{
    const char *colon = strchr(destination, ':'), *slash = strchr(destination, '/');

    return colon && (!slash || colon < slash) ? colon + 1 : NULL;
}

/* As the other machine's shell takes it for one word. To be freed. */
static char *command_for(const char *folder)
{
    static const char begin[] = "mapshare receive -- '";
    char *text = malloc(sizeof begin + 4 * strlen(folder) + 2), *at;

    if (!text)
        return NULL;
    at = stpcpy(text, begin);
    for (; *folder; folder++) {
        if (*folder == '\'')
            at = stpcpy(at, "'\\''");
        else
            *at++ = *folder;
    }
    strcpy(at, "'");
    return text;
}

/* In the child. */
static void execute(const char *destination, const char *shell)
{
    const char *folder = folder_of(destination);
    char *words[WORDS_MOST + 4], *text = strdup(shell ? shell : SHELL), *word;
    size_t count = 0;

    if (!folder) {
        execl("/proc/self/exe", "mapshare", "receive", "--", destination, NULL);
        _exit(127);
    }
    while (text && (word = strsep(&text, " ")) && count < WORDS_MOST) {
        if (*word)
            words[count++] = word;
    }
    words[count++] = strndup(destination, (size_t)(folder - 1 - destination));
    words[count++] = command_for(folder);
    words[count] = NULL;
    if (words[count - 1] && words[count - 2])
        execvp(words[0], words);
    message_error(words[0], -errno);
    _exit(127);
}

int remote_start(struct remote *remote, const char *destination, const char *shell)
{
    int to[2], from[2];

    if (pipe2(to, O_CLOEXEC))
        return -errno;
    if (pipe2(from, O_CLOEXEC)) {
        close(to[0]);
        close(to[1]);
        return -EMFILE;
    }
    remote->pid = fork();
    if (remote->pid == 0) {
        signal(SIGPIPE, SIG_DFL);
        if (dup2(to[0], STDIN_FILENO) >= 0 && dup2(from[1], STDOUT_FILENO) >= 0)
            execute(destination, shell);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    remote->out = to[1];
    remote->in = from[0];
    if (remote->pid > 0)
        return 0;
    close(to[1]);
    close(from[0]);
    return -EAGAIN;
}

int remote_end(struct remote *remote)
{
    int status = 0;

    close(remote->out);
    close(remote->in);
    while (waitpid(remote->pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}
