/* Writes down who may have what minted, for access reviews. */
#include "config.h"
#include "agent/access.h"
#include "agent/seal.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_WIDTH 10

/* Begins a line. */
static void put_label(struct text *out, const char *label)
{
    char column[LABEL_WIDTH + 4];
    snprintf(column, sizeof column, "  %-*s ", LABEL_WIDTH, label);
    text_put(out, column);
}

static void put_number(struct text *out, const char *before, int64_t number, const char *behind)
{
    text_put(out, before);
    text_integer(out, number);
    text_put(out, behind);
}

/* Quoted, with all but ASCII escaped: no name can look like another, or like a line of ours. */
static void put_quoted(struct text *out, const char *string)
{
    json_t *value = json_string(string);
    char *quoted = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : NULL;
    if (quoted)
        text_put(out, quoted);
    else
        out->failed = true;
    free(quoted);
    json_decref(value);
}

static void put_heading(struct text *out, const char *what, const char *name)
{
    text_put(out, "\n");
    text_put(out, what);
    text_put(out, " ");
    put_quoted(out, name);
    text_put(out, "\n");
}

static void put_line(struct text *out, const char *label, const char *string)
{
    if (!string)
        return;
    put_label(out, label);
    put_quoted(out, string);
    text_put(out, "\n");
}

static void put_word(struct text *out, const char *label, const char *word)
{
    put_label(out, label);
    text_put(out, word);
    text_put(out, "\n");
}

static void put_seconds(struct text *out, const char *label, long seconds)
{
    if (seconds == 0)
        return;
    put_label(out, label);
    put_number(out, "", seconds, " seconds\n");
}

static void put_listener(struct text *out, const struct conf_listener *listener)
{
    char mode[8];
    snprintf(mode, sizeof mode, "%04o", (unsigned)listener->mode);
    put_heading(out, "listener", listener->name);
    put_line(out, "path", listener->path);
    put_word(out, "mode", mode);
    if (listener->has_group) {
        put_label(out, "group");
        put_number(out, "gid ", listener->group, "\n");
    }
}

static void put_token(struct text *out, const struct conf_token *token)
{
    put_heading(out, "token", token->name);
    put_line(out, "uri", token->uri);
}

/* A user or group: its name, where it was given, and the number that it stands for. */
static void put_id(struct text *out, const char *what, const char *name, const char *number_is,
                   int64_t number)
{
    if (name) {
        text_put(out, what);
        text_put(out, " ");
        put_quoted(out, name);
        text_put(out, " ");
    }
    text_put(out, number_is);
    put_number(out, " ", number, "");
}

static void put_allow(struct text *out, const struct allow *allow)
{
    const char *separator = ", ";
    size_t start;
    put_label(out, "allow");
    start = out->length;
    if (allow->by_uid)
        put_id(out, "user", allow->user, "uid", allow->uid);
    if (allow->by_gid) {
        text_put(out, out->length > start ? separator : "");
        put_id(out, "group", allow->group, "gid", allow->gid);
    }
    if (allow->unit) {
        text_put(out, out->length > start ? separator : "");
        text_put(out, "unit ");
        put_quoted(out, allow->unit);
    }
    if (allow->listener) {
        text_put(out, out->length > start ? separator : "");
        text_put(out, "listener ");
        put_quoted(out, allow->listener);
    }
    text_put(out, "\n");
}

/* One accepted claim, or a member of one that is an object. */
static void put_accept(struct text *out, const struct accept *object, const struct accept *accept,
                       bool required)
{
    put_label(out, "accept");
    if (object) {
        put_quoted(out, object->name);
        text_put(out, ".");
    }
    put_quoted(out, accept->name);
    text_put(out, " ");
    text_put(out, accept->form->name);
    if (accept->form->type == FORM_SUB_ID)
        for (size_t i = 0; accept_format_name(i); i++)
            if (accept->formats & 1u << i) {
                text_put(out, " ");
                text_put(out, accept_format_name(i));
            }
    if (accept->form->type == FORM_TEXT || accept->form->type == FORM_SUB_ID)
        put_number(out, ", at most ", (int64_t)accept->max, " bytes");
    text_put(out, required ? ", required\n" : "\n");
    for (size_t i = 0; i < accept->member_count; i++)
        put_accept(out, accept, &accept->members[i], accept->required & (claim_set)1 << i);
}

static void put_claims(struct text *out, const struct profile *profile)
{
    for (size_t i = 0; i < profile->accept_count; i++)
        put_accept(out, NULL, &profile->accept[i], profile->required & (claim_set)1 << i);
    for (size_t i = 0; i < profile->one_of_count; i++) {
        const char *separator = "";
        put_label(out, "one_of");
        for (size_t j = 0; j < profile->accept_count; j++) {
            if (!(profile->one_of[i] & (claim_set)1 << j))
                continue;
            text_put(out, separator);
            put_quoted(out, profile->accept[j].name);
            separator = ", ";
        }
        text_put(out, "\n");
    }
}

static void put_seal(struct text *out, const struct seal *seal)
{
    put_label(out, "seal");
    for (size_t i = 0; i < seal->alg_count; i++) {
        text_put(out, seal->algs[i]->name);
        text_put(out, " ");
    }
    text_put(out, "with ");
    text_put(out, seal->enc->name);
    put_number(out, ", keys at most ", seal->max_stale, " seconds old");
    text_put(out, seal->without_use ? ", also keys without use\n" : "\n");
}

static void put_published(struct text *out, const struct published *published)
{
    put_label(out, "publish");
    put_quoted(out, published->key_uri);
    text_put(out, " ");
    text_put(out, published->mech->algorithm);
    if (published->kid) {
        text_put(out, " kid ");
        put_quoted(out, published->kid);
    }
    text_put(out, "\n");
}

static void put_rate_limit(struct text *out, const struct rate_limit *limit)
{
    if (limit->per_second == 0)
        return;
    put_label(out, "rate_limit");
    put_number(out, "", limit->per_second, " per second, ");
    put_number(out, "", limit->burst, " at once\n");
}

/* With which key, and what is signed with it. */
static void put_content(struct text *out, const struct profile *profile)
{
    const struct kind *kind = profile->kind;
    put_word(out, "kind", kind->name);
    put_line(out, "key", profile->key_uri);
    put_line(out, "next_key", profile->next_key_uri);
    if (profile->signer_count == 0)
        put_word(out, "algorithm", profile->mech->algorithm);
    for (size_t i = 0; i < profile->signer_count; i++)
        put_word(out, "algorithm", profile->signers[i].mech->algorithm);
    for (size_t i = 0; i < profile->publish_count; i++)
        put_published(out, &profile->publish[i]);
    if (kind->issuer_member)
        put_line(out, kind->issuer_member, profile->issuer);
    for (size_t i = 0; i < profile->audience_count; i++)
        put_line(out, "audience", profile->audiences[i]);
    if (kind->typ_settable)
        put_line(out, "typ", profile->typ);
    put_line(out, "kid", profile->kid);
    put_seconds(out, "lifetime", profile->lifetime);
    put_seconds(out, "backdate", profile->backdate);
    if (profile->wants_jti)
        put_word(out, "jti", "true");
    if (profile->seal)
        put_seal(out, profile->seal);
}

static void put_profile(struct text *out, const struct profile *profile)
{
    put_heading(out, "profile", profile->name);
    put_content(out, profile);
    put_claims(out, profile);
    for (size_t i = 0; i < profile->allow_count; i++)
        put_allow(out, &profile->allow[i]);
    if (profile->allow_count == 0)
        put_word(out, "allow", "nobody");
    put_rate_limit(out, &profile->rate_limit);
}

int access_write(const struct conf *conf, const EVP_MD *sha256, struct text *out)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned length;
    text_put(out, "peer_pid ");
    text_put(out, peer_pid_name(conf->peer_pid));
    text_put(out, "\n");
    for (size_t i = 0; i < conf->listener_count; i++)
        put_listener(out, &conf->listeners[i]);
    for (size_t i = 0; i < conf->token_count; i++)
        put_token(out, &conf->tokens[i]);
    for (size_t i = 0; i < conf->profile_count; i++)
        put_profile(out, conf->profiles[i]);
    text_put(out, "\n");
    if (out->failed || EVP_Digest(out->data, out->length, hash, &length, sha256, NULL) != 1)
        return -1;
    text_put(out, "sha256 ");
    text_hex(out, hash, length);
    text_put(out, "\n");
    return out->failed ? -1 : 0;
}
