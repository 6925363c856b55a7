/* Audit logs of strangers: each line by itself, then all of them as a chain. */
#include "config.h"
#include "agent/audit/chain.h"
#include "agent/audit/checkpoint.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static struct jose *jose;
static struct text room;

static void end(void)
{
    text_free(&room);
    jose_free(jose);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    if (jose_new(NULL, &jose) < 0)
        abort();
    return atexit(end);
}

static void read_line(const char *text, size_t length)
{
    struct line line;
    struct checkpoint checkpoint;
    const char *error = NULL;
    if (line_parse(jose, text, length, &room, &line, &error) < 0) {
        if (!error)
            abort();
        return;
    }
    if (checkpoint_is(&line) &&
        checkpoint_read(jose, NULL, &line, &room, &checkpoint, &error) < 0 && !error)
        abort();
    line_clear(&line);
}

/* Calls back with each line. Returns after the first that is not taken. */
static void each_line(const uint8_t *data, size_t size, int (*take)(const char *, size_t, void *),
                      void *context)
{
    const char *at = (const char *)data, *last = at + size, *newline;
    for (; at < last && (newline = memchr(at, '\n', (size_t)(last - at))); at = newline + 1)
        if (take(at, (size_t)(newline - at), context) < 0)
            return;
}

static int take_alone(const char *text, size_t length, void *context)
{
    (void)context;
    read_line(text, length);
    return 0;
}

static int take_linked(const char *text, size_t length, void *context)
{
    struct chain *chain = context;
    struct chain_place place = {"log", chain->place.line + 1};
    struct chain_problem problem;
    return chain_add(chain, &place, text, length, &room, &problem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct chain_rules rules;
    struct chain_rules all = rules;
    struct chain chain;
    struct chain_problem problem;
    all.jose = jose;
    each_line(data, size, take_alone, NULL);
    if (chain_open(&all, &chain) < 0)
        abort();
    each_line(data, size, take_linked, &chain);
    chain_end(&chain, &problem);
    chain_close(&chain);
    return 0;
}
