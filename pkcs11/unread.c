/* Reads again the objects that could not be read when a token was indexed. */
#include "config.h"
#include "pkcs11/unread.h"
#include "pkcs11/check.h"

/* Between two tries, of which none takes more than a tenth of the token's time. */
#define RETRY_FIRST_MS 250
#define RETRY_MAX_MS   1000
#define RETRY_SHARE    10

#define READ_MS      100 /* of one try; then others get their turn */
#define TURN_WAIT_MS 5

static bool is_up(struct token *token)
{
    return token_get_state(token, NULL, 0) == TOKEN_UP;
}

int64_t unread_due(const struct unread *unread, const struct ladder *ladder)
{
    int64_t due = INT64_MAX;
    for (size_t i = 0; i < ladder->token_count; i++) {
        struct token *token = ladder->tokens[i];
        size_t count = token->index.unread_count;
        if ((count == 0 && token->told_unread == 0) || !is_up(token))
            continue;
        if (count != token->told_unread)
            return 0;
        due = unread->at;
    }
    return due;
}

/* After a try that took `spent` milliseconds. */
static void plan(struct unread *unread, long ms, int64_t spent)
{
    int64_t pause = spent * (RETRY_SHARE - 1);
    unread->ms = ms < RETRY_MAX_MS ? ms : RETRY_MAX_MS;
    unread->at = watch_now() + (pause > unread->ms ? pause : unread->ms);
}

/* Once when there are some and once when there are none any more: what is between is not news. */
static void tell(struct unread *unread, struct ladder *ladder, struct token *token)
{
    size_t count = token->index.unread_count, told = token->told_unread;
    token->told_unread = count;
    if (count > told)
        plan(unread, RETRY_FIRST_MS, 0);
    if (count > told || (count == 0 && told > 0))
        ladder->events->unread(ladder->context, token);
}

/* Signers go on meanwhile. A new object may serve a key, or have the name of one. */
static int read_again(struct ladder *ladder, struct token *token, bool *changed,
                      struct p11_error *error)
{
    struct module *module = ladder->module;
    size_t before = token->index.unread_count;
    if (!module_take_turn(module, TURN_WAIT_MS))
        return 0;
    watch_begin(&ladder->watch);
    int r = index_read_again(module->fn, token->anchor, &token->index, READ_MS, error);
    watch_end();
    module_end_turn(module);
    if (token->index.unread_count < before) {
        *changed = true;
        check_soon(ladder, token);
    }
    return r;
}

enum p11_rung unread_run(struct unread *unread, struct ladder *ladder)
{
    struct p11_error error;
    bool changed = false;
    int r = 0;
    if (unread_due(unread, ladder) > watch_now())
        return P11_RUNG_NONE;
    for (size_t i = 0; i < ladder->token_count; i++)
        if (is_up(ladder->tokens[i]))
            tell(unread, ladder, ladder->tokens[i]);
    int64_t start = watch_now();
    if (unread_due(unread, ladder) > start)
        return P11_RUNG_NONE;
    for (size_t i = 0; i < ladder->token_count && r == 0; i++) {
        struct token *token = ladder->tokens[i];
        if (token->index.unread_count > 0 && is_up(token))
            r = read_again(ladder, token, &changed, &error);
    }
    plan(unread, changed ? RETRY_FIRST_MS : unread->ms * 2, watch_now() - start);
    if (changed)
        ladder_tell(ladder, true);
    return r == 0 ? P11_RUNG_NONE : ladder_rung(&error);
}
