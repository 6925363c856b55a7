/* The lines of an audit log in their order: each fits the one before, and checkpoints prove them.
 * No files here: lines come from wherever the caller has them. */
#ifndef HINTSIGN_AUDIT_CHAIN_H
#define HINTSIGN_AUDIT_CHAIN_H

#include "agent/audit/line.h"
#include "agent/jose/jwks.h"

/* A checkpoint may stand so many lines behind the one that it covers; beyond, it seals nothing. */
#define CHAIN_REACH       ((int64_t)65536)
#define CHAIN_PROBLEM_MAX 256 /* bytes, with the NUL */

struct chain_place {
    const char *file; /* borrowed */
    uint64_t line;    /* from 1; 0: no line was read */
};

/* A line that must be there: what somebody has noted elsewhere. */
struct chain_expected {
    int64_t sequence;
    unsigned char hash[AUDIT_HASH_BYTES];
};

/* All borrowed. */
struct chain_rules {
    const struct jose *jose;
    const struct jwks *keys;               /* of checkpoints; NULL: they are not checked */
    const struct chain_expected *expected; /* by ascending sequence */
    size_t expected_count;
};

struct chain_link;

/* Zero but for `rules`: chain_open does that. The struct may be copied, and the chain taken up
 * again from a copy with other lines; all copies share `links`, so only while no more than
 * CHAIN_REACH lines have come since. */
struct chain {
    struct chain_rules rules;
    struct chain_link *links;             /* the last CHAIN_REACH lines */
    int64_t first, last;                  /* sequence numbers; 0 before the first line */
    unsigned char hash[AUDIT_HASH_BYTES]; /* of the last line */
    char time[LINE_TIME_LENGTH + 1];      /* of the last line; empty before the first */
    struct chain_place place;             /* of the last line */
    uint64_t records;                     /* lines that are no checkpoints */
    uint64_t checkpoints;
    uint64_t sealed; /* records that a checkpoint covers */
    uint64_t gaps;   /* records of a log that was cut off and went on */
    size_t met;      /* of the expected lines */
    bool doubt;      /* the last line does not fit the one before: the next tells which to blame */
    struct chain_place doubted; /* the one before */
};

/* The first line that does not fit. */
struct chain_problem {
    struct chain_place place;
    char text[CHAIN_PROBLEM_MAX]; /* what and why */
};

/* Errors: LINE_FAILED. Free with chain_close. */
int chain_open(const struct chain_rules *rules, struct chain *ret_chain);

void chain_close(struct chain *chain);

/* Takes the next line, without its newline. A log begins with line 1, or behind an expected line.
 * A line that does not fit is told at once, or, where it may be the one before that was changed,
 * with the next call. `room` is reused from call to call.
 * Errors: LINE_BROKEN, LINE_FAILED, both with *ret_problem. */
int chain_add(struct chain *chain, const struct chain_place *place, const char *text, size_t length,
              struct text *room, struct chain_problem *ret_problem);

/* After the last line. Errors: LINE_BROKEN with *ret_problem. */
int chain_end(const struct chain *chain, struct chain_problem *ret_problem);

#endif
