/* Has keys give their known answer between recoveries: whose turn it is, and how often. */
#include "config.h"
#include "pkcs11/check.h"

#define BATCH_MS 5 /* then others get their turn */

/* The token's time for others, to each part for us: of known answers as such, and of those that
 * keys become ready with. Then nothing else is served, so that is not put off for long. */
#define SHARE       99
#define RETRY_SHARE 9

/* Why a home is asked, and so which share of the token's time that takes. */
enum reason {
    BY_THE_CLOCK,
    NOT_READY,
    DOUBTED, /* does not wait for its turn, but once a second is enough */
    REASONS
};

static enum reason reason_of(const struct key_home *home)
{
    if (atomic_load(&home->doubted))
        return DOUBTED;
    return atomic_load(&home->generation) ? BY_THE_CLOCK : NOT_READY;
}

static int64_t due_at(const struct check *check, const struct key_home *home)
{
    enum reason reason = reason_of(home);
    if (reason == DOUBTED)
        return home->check_at - KEY_CHECK_MS + KEY_RETRY_MS;
    int64_t others = reason == NOT_READY ? check->retry : check->resume;
    return home->check_at > others ? home->check_at : others;
}

static bool is_up(const struct key_home *home)
{
    return token_get_state(home->token, NULL, 0) == TOKEN_UP;
}

/* A key on one of the tokens. */
struct subject {
    struct keyring *keyring;
    struct key *key;
    struct key_home *home;
};

static size_t count_subjects(const struct ladder *ladder)
{
    size_t count = 0;
    for (size_t i = 0; i < ladder->keyrings.count; i++)
        count += ladder->token_count * ladder->keyrings.list[i]->count;
    return count;
}

/* Counted keyring by keyring, token by token. */
static struct subject subject_at(const struct ladder *ladder, size_t at)
{
    struct keyring *const *list = ladder->keyrings.list;
    for (; at >= ladder->token_count * (*list)->count; list++)
        at -= ladder->token_count * (*list)->count;
    struct keyring *keyring = *list;
    struct key *key = keyring->keys[at % keyring->count];
    size_t where = keyring_home(keyring, ladder->tokens[at / keyring->count]);
    return (struct subject){keyring, key, &key->homes[where]};
}

int64_t check_due(const struct check *check, const struct ladder *ladder)
{
    int64_t due = INT64_MAX;
    for (size_t at = 0; at < count_subjects(ladder); at++) {
        const struct key_home *home = subject_at(ladder, at).home;
        int64_t its = due_at(check, home);
        if (its < due && is_up(home))
            due = its;
    }
    return due;
}

void check_soon(struct ladder *ladder, const struct token *token)
{
    for (size_t at = 0; at < count_subjects(ladder); at++) {
        struct key_home *home = subject_at(ladder, at).home;
        if (home->token == token)
            home->check_at = watch_now();
    }
}

struct pass {
    int64_t start;
    int64_t spent[REASONS]; /* ms, waiting for a turn in the module too */
    bool changed;
};

static int answer(struct ladder *ladder, const struct subject *subject, struct pass *pass,
                  struct p11_error *error)
{
    struct module *module = ladder->module;
    bool changes = false;
    watch_begin(&ladder->watch);
    int r = keyring_check(subject->keyring, subject->key, subject->home,
                          atomic_load(&module->generation), &changes, error);
    watch_end();
    pass->changed |= changes;
    return r;
}

static int ask(struct ladder *ladder, const struct subject *subject, struct pass *pass,
               struct p11_error *error)
{
    int64_t begin = watch_now();
    enum reason reason = reason_of(subject->home);
    int r = 0;
    if (module_take_turn(ladder->module, BATCH_MS)) {
        r = answer(ladder, subject, pass, error);
        module_end_turn(ladder->module);
    }
    pass->spent[reason] += watch_now() - begin;
    return r;
}

/* Whose last answer is the oldest, of those that are doubted and due. */
static bool find_doubted(const struct check *check, const struct ladder *ladder, int64_t now,
                         struct subject *ret_subject)
{
    int64_t oldest = INT64_MAX;
    for (size_t at = 0; at < count_subjects(ladder); at++) {
        struct subject subject = subject_at(ladder, at);
        if (reason_of(subject.home) != DOUBTED || due_at(check, subject.home) > now ||
            subject.home->check_at >= oldest || !is_up(subject.home))
            continue;
        oldest = subject.home->check_at;
        *ret_subject = subject;
    }
    return oldest != INT64_MAX;
}

/* Whoever is doubted again and again waits behind all others that are. */
static int ask_doubted(const struct check *check, struct ladder *ladder, struct pass *pass,
                       struct p11_error *error)
{
    struct subject subject;
    int r = 0;
    while (r == 0 && watch_now() - pass->start < BATCH_MS &&
           find_doubted(check, ladder, pass->start, &subject))
        r = ask(ladder, &subject, pass, error);
    return r;
}

/* Begins behind the one that was asked last, so that slow ones keep none waiting forever. Stops
 * where the token fails, and after a while. */
static int go_round(struct check *check, struct ladder *ladder, struct pass *pass,
                    struct p11_error *error)
{
    size_t count = count_subjects(ladder), first = check->next;
    int64_t start = watch_now();
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++) {
        size_t at = (first + i) % count;
        struct subject subject = subject_at(ladder, at);
        if (reason_of(subject.home) == DOUBTED || due_at(check, subject.home) > start ||
            !is_up(subject.home))
            continue;
        if (watch_now() - start >= BATCH_MS)
            break;
        check->next = at + 1;
        r = ask(ladder, &subject, pass, error);
    }
    return r;
}

/* Each reason puts off its own kind alone: what is slow or broken keeps nobody from being asked. */
static void put_off(struct check *check, const struct pass *pass)
{
    int64_t end = watch_now(), pause = pass->spent[NOT_READY] * RETRY_SHARE;
    if (pass->spent[BY_THE_CLOCK] > 0)
        check->resume = end + pass->spent[BY_THE_CLOCK] * SHARE;
    if (pause > 0)
        check->retry = end + (pause < KEY_RETRY_MS ? pause : KEY_RETRY_MS);
}

enum p11_rung check_run(struct check *check, struct ladder *ladder)
{
    struct pass pass = {.start = watch_now()};
    struct p11_error error;
    int r = ask_doubted(check, ladder, &pass, &error);
    if (r == 0)
        r = go_round(check, ladder, &pass, &error);
    put_off(check, &pass);
    ladder_tell(ladder, pass.changed);
    return r == 0 ? P11_RUNG_NONE : ladder_rung(&error);
}
