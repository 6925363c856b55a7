/* A way to get a signature, that the loader measures. */
#ifndef HINTSIGN_BENCH_WAY_H
#define HINTSIGN_BENCH_WAY_H

#include <stddef.h>

/* The bytes that every way has signed: as long as the signing input of a short token. */
#define WAY_INPUT_BYTES 300

/* Whatever fails ends the process: a bench that goes on would measure something else. */
struct way {
    const char *name;
    const char *arguments;
    int argument_count;
    /* Once, before the threads are started. */
    void (*prepare)(char **arguments);
    /* A thread's own connection or session; it may ask for `depth` signatures at once. */
    void *(*open)(unsigned thread, size_t depth);
    /* Gets `depth` signatures. */
    void (*run)(void *connection, size_t depth);
};

extern const struct way way_token, way_agent, way_ssh_agent, way_echo;

/* Says what failed and ends the process. */
_Noreturn void way_fail(const char *what);

#endif
