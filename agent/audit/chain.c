/* Checks that the lines of an audit log follow each other, and finds the first that does not. */
#include "config.h"
#include "agent/audit/chain.h"
#include "agent/audit/checkpoint.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is kept of a line for the checkpoints that cover it. */
struct chain_link {
    unsigned char hash[AUDIT_HASH_BYTES];
    uint64_t records; /* up to and with it */
};

static const unsigned char no_hash[AUDIT_HASH_BYTES];

static bool is_same(const unsigned char *a, const unsigned char *b)
{
    return memcmp(a, b, AUDIT_HASH_BYTES) == 0;
}

__attribute__((format(printf, 4, 5))) static int problem(struct chain_problem *ret_problem,
                                                         int code, const struct chain_place *place,
                                                         const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    ret_problem->place = *place;
    vsnprintf(ret_problem->text, sizeof ret_problem->text, format, arguments);
    va_end(arguments);
    return code;
}

int chain_open(const struct chain_rules *rules, struct chain *ret_chain)
{
    struct chain_link *links = calloc((size_t)CHAIN_REACH, sizeof *links);
    if (!links)
        return LINE_FAILED;
    *ret_chain = (struct chain){.rules = *rules, .links = links};
    return 0;
}

void chain_close(struct chain *chain)
{
    free(chain->links);
    chain->links = NULL;
}

static struct chain_link *link_of(const struct chain *chain, int64_t sequence)
{
    return &chain->links[sequence % CHAIN_REACH];
}

/* The first line: number 1, or one that continues a line that is expected. */
static int begin(struct chain *chain, const struct line *line, const struct chain_place *place,
                 struct chain_problem *ret_problem)
{
    const struct chain_rules *rules = &chain->rules;
    size_t *met = &chain->met;
    for (; *met < rules->expected_count && rules->expected[*met].sequence == line->sequence - 1;
         (*met)++)
        if (!is_same(line->prev, rules->expected[*met].hash))
            return problem(ret_problem, LINE_BROKEN, place,
                           "prev is not the hash of the line that is expected");
    if (line->sequence > 1 && *met == 0)
        return problem(ret_problem, LINE_BROKEN, place,
                       "the log begins with sequence number %lld: what comes before is missing",
                       (long long)line->sequence);
    if (line->sequence == 1 && !is_same(line->prev, no_hash))
        return problem(ret_problem, LINE_BROKEN, place, "prev of line 1 is not 64 zeros");
    chain->first = line->sequence;
    return 0;
}

static int check_number(const struct chain *chain, const struct line *line,
                        const struct chain_place *place, struct chain_problem *ret_problem)
{
    int64_t wanted = chain->last + 1;
    if (line->sequence == wanted)
        return 0;
    return problem(ret_problem, LINE_BROKEN, place, "sequence number %lld where %lld must be: %s",
                   (long long)line->sequence, (long long)wanted,
                   line->sequence > wanted ? "something is missing, or the order is another"
                                           : "it stood before, or the order is another");
}

static int blame_previous(const struct chain_place *place, struct chain_problem *ret_problem)
{
    return problem(ret_problem, LINE_BROKEN, place,
                   "the line was changed: prev of the next is not its hash");
}

static int blame_line(const struct chain_place *place, struct chain_problem *ret_problem)
{
    return problem(ret_problem, LINE_BROKEN, place,
                   "the line does not fit the one before: prev is not its hash");
}

/* A line that does not fit: it or the one before was changed. A checkpoint that covers the one
 * before knows; otherwise the next line will. `checkpoint` is NULL where the line is none. */
static int doubt(struct chain *chain, const struct checkpoint *checkpoint,
                 const struct chain_place *place, struct chain_problem *ret_problem)
{
    if (checkpoint && checkpoint->covers == chain->last)
        return is_same(checkpoint->hash, chain->hash) ? blame_line(place, ret_problem)
                                                      : blame_previous(&chain->place, ret_problem);
    chain->doubt = true;
    chain->doubted = chain->place;
    return 0;
}

/* The line behind the one in doubt holds that one's hash, if it was not changed. */
static int settle(const struct chain *chain, const unsigned char *prev,
                  struct chain_problem *ret_problem)
{
    return is_same(prev, chain->hash) ? blame_previous(&chain->doubted, ret_problem)
                                      : blame_line(&chain->place, ret_problem);
}

/* What the checkpoint covers is what we have read. */
static int seal(struct chain *chain, const struct line *line, const struct checkpoint *checkpoint,
                const struct chain_place *place, struct chain_problem *ret_problem)
{
    chain->checkpoints++;
    if (checkpoint->covers < chain->first || line->sequence - checkpoint->covers > CHAIN_REACH)
        return 0;
    const struct chain_link *link = link_of(chain, checkpoint->covers);
    if (!is_same(link->hash, checkpoint->hash))
        return problem(ret_problem, LINE_BROKEN, place,
                       "the checkpoint was made of another line %lld: the log was rewritten",
                       (long long)checkpoint->covers);
    if (link->records > chain->sealed)
        chain->sealed = link->records;
    return 0;
}

static int meet_expected(struct chain *chain, const struct line *line,
                         const struct chain_place *place, struct chain_problem *ret_problem)
{
    const struct chain_rules *rules = &chain->rules;
    for (; chain->met < rules->expected_count; chain->met++) {
        const struct chain_expected *expected = &rules->expected[chain->met];
        if (expected->sequence != line->sequence)
            break;
        if (!is_same(expected->hash, line->hash))
            return problem(ret_problem, LINE_BROKEN, place,
                           "line %lld is not the one that is expected: the log was rewritten, or "
                           "cut off and continued",
                           (long long)line->sequence);
    }
    return 0;
}

static void go_on(struct chain *chain, const struct line *line, const struct chain_place *place)
{
    chain->last = line->sequence;
    memcpy(chain->hash, line->hash, sizeof chain->hash);
    memcpy(chain->time, line->time, sizeof chain->time);
    chain->place = *place;
    if (!checkpoint_is(line))
        chain->records++;
    if (strcmp(line->type, "gap") == 0)
        chain->gaps++;
    struct chain_link *link = link_of(chain, line->sequence);
    memcpy(link->hash, line->hash, sizeof link->hash);
    link->records = chain->records;
}

static int add(struct chain *chain, const struct line *line, const struct chain_place *place,
               struct text *room, struct chain_problem *ret_problem)
{
    struct checkpoint checkpoint;
    const char *error;
    bool sealing = checkpoint_is(line);
    int r = chain->last ? check_number(chain, line, place, ret_problem)
                        : begin(chain, line, place, ret_problem);
    if (r == 0 && sealing) {
        r = checkpoint_read(chain->rules.jose, chain->rules.keys, line, room, &checkpoint, &error);
        if (r < 0)
            return problem(ret_problem, r, place, "the checkpoint %s", error);
    }
    if (r == 0 && chain->last && !is_same(line->prev, chain->hash))
        r = doubt(chain, sealing ? &checkpoint : NULL, place, ret_problem);
    else if (r == 0 && sealing)
        r = seal(chain, line, &checkpoint, place, ret_problem);
    if (r == 0)
        r = meet_expected(chain, line, place, ret_problem);
    if (r == 0)
        go_on(chain, line, place);
    return r;
}

int chain_add(struct chain *chain, const struct chain_place *place, const char *text, size_t length,
              struct text *room, struct chain_problem *ret_problem)
{
    struct line line = {.record = NULL};
    const char *error;
    int r = line_parse(chain->rules.jose, text, length, room, &line, &error);
    if (chain->doubt && r != LINE_FAILED)
        r = settle(chain, r == 0 ? line.prev : no_hash, ret_problem);
    else if (r < 0)
        r = problem(ret_problem, r, place, "the line %s", error);
    else
        r = add(chain, &line, place, room, ret_problem);
    line_clear(&line);
    return r;
}

int chain_end(const struct chain *chain, struct chain_problem *ret_problem)
{
    if (chain->doubt)
        return blame_line(&chain->place, ret_problem);
    if (chain->met == chain->rules.expected_count)
        return 0;
    const struct chain_expected *expected = &chain->rules.expected[chain->met];
    return problem(ret_problem, LINE_BROKEN, &chain->place,
                   "the log ends here, and the expected line %lld is missing: the end was cut off",
                   (long long)expected->sequence);
}
