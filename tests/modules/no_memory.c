/* Lets one allocation of a program fail: the one whose number is in NO_MEMORY_AT. Preloaded. */
#include "config.h"

#include <stdlib.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

/* -1 before the environment was read. */
static long left = -1;

static int fails(void)
{
    if (left < 0) {
        const char *text = getenv("NO_MEMORY_AT");
        left = text ? atol(text) : 0;
    }
    return left > 0 && --left == 0;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    return fails() ? NULL : __libc_realloc(memory, size);
}
