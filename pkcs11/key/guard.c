/* Keeps secrets inside the process, and its work on tokens from being stopped half-way. */
#include "config.h"
#include "pkcs11/key/guard.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define STACK_WIPED 65536 /* bytes; more than our work uses */
#define COPY_WIPED  2048

int guard_process(void)
{
    const struct rlimit none = {0, 0};
    /* The leak sanitizer looks into its own process the way a debugger does. */
    if (setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, SANITIZED, 0, 0, 0) < 0)
        return -errno;
    /* A module may write to the socket of an HSM that has gone: an error, not the end. */
    signal(SIGPIPE, SIG_IGN);
    return 0;
}

__attribute__((noinline)) void guard_wipe_stack(void)
{
    unsigned char below[STACK_WIPED];
    void *(*volatile copy)(void *, const void *, size_t) = memmove; /* not to be optimised away */
    explicit_bzero(below, sizeof below);
    /* Each length has registers of its own. */
    for (size_t length = 16; length <= COPY_WIPED; length *= 2)
        copy(below, below + COPY_WIPED, length + 1);
}

void guard_hold_signals(sigset_t *ret_before)
{
    sigset_t held;
    sigemptyset(&held);
    sigaddset(&held, SIGHUP);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGQUIT);
    sigaddset(&held, SIGTERM);
    sigprocmask(SIG_BLOCK, &held, ret_before);
}

void guard_release_signals(const sigset_t *before)
{
    sigprocmask(SIG_SETMASK, before, NULL);
}
