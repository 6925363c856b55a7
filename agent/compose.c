/* Composes tokens from templates that were written when the profile was read. */
#include "config.h"
#include "agent/compose.h"
#include "agent/jose/base64url.h"
#include "agent/kid.h"
#include "pkcs11/sign.h"

#include <stdlib.h>
#include <string.h>

/* Claims are literal text with gaps, which are filled for each token. Every member, in the
 * literals and in the gaps, is written with a comma before it; the first comma of all then becomes
 * the opening brace. */
struct gap {
    enum part part;
    size_t literal_end; /* where in `literals` the gap is */
};

struct template
{
    struct text header;   /* base64url, with the dot */
    struct text literals; /* of the claims */
    struct gap gaps[KIND_PARTS_MAX];
    size_t gap_count;
    bool has_jti;
};

/* A profile's header, base64url with the dot. */
struct header {
    struct text text;
    char kid[PROFILE_STRING_MAX + 1]; /* "": none */
};

/* All that compose_token needs; the header is added when the key is known. */
struct composition {
    _Atomic(struct header *) header;
    struct template templates[]; /* one an audience */
};

static void put_name(struct text *text, const char *name)
{
    text_put(text, ",");
    text_string(text, name, strlen(name));
    text_put(text, ":");
}

static void put_member(struct text *text, const char *name, const char *value)
{
    put_name(text, name);
    text_string(text, value, strlen(value));
}

static void close_object(struct text *members)
{
    text_put(members, "}");
    if (!members->failed)
        members->data[0] = '{';
}

static void put_encoded(struct text *text, const struct text *json)
{
    size_t length = BASE64URL_LENGTH(json->length);
    char *place = text_reserve(text, length);
    if (!place)
        return;
    base64url_encode(json->data, json->length, place);
    text->length += length;
}

/* Whether the header holds the thumbprint of a key, which is not known before the key is. */
static bool wants_thumbprint(const struct profile *profile)
{
    for (const enum part *part = profile->kind->header; *part != PART_END; part++)
        if (*part == PART_KID)
            return !profile->kid && profile->mech->family != MECH_HMAC;
    return false;
}

static void write_header(const struct profile *profile, struct header *header)
{
    struct text json = {0};
    for (const enum part *part = profile->kind->header; *part != PART_END; part++) {
        if (*part == PART_ALG)
            put_member(&json, "alg", profile->mech->algorithm);
        else if (*part == PART_TYP)
            put_member(&json, "typ", profile->typ);
        else if (*part == PART_KID && header->kid[0])
            put_member(&json, "kid", header->kid);
    }
    close_object(&json);
    put_encoded(&header->text, &json);
    text_put(&header->text, ".");
    header->text.failed |= json.failed;
    text_free(&json);
}

static void header_free(struct header *header)
{
    if (header)
        text_free(&header->text);
    free(header);
}

static int make_header(const struct profile *profile, const struct jose *jose,
                       struct header **ret_header)
{
    struct header *header = calloc(1, sizeof *header);
    int r = header ? 0 : REFUSAL_INTERNAL;
    if (r == 0 && (profile->kid || wants_thumbprint(profile)))
        r = kid_write(jose, profile->key, profile->kid, header->kid, sizeof header->kid);
    if (r == 0)
        write_header(profile, header);
    if (r == 0 && header->text.failed)
        r = REFUSAL_INTERNAL;
    if (r < 0)
        header_free(header);
    else
        *ret_header = header;
    return r;
}

int compose_prepare_header(const struct profile *profile, const struct jose *jose,
                           struct refusal *refusal)
{
    struct header *header = NULL, *none = NULL;
    struct p11_error error;
    if (atomic_load(&profile->composition->header))
        return 0;
    if (!key_is_named(profile->key)) {
        int why = sign_why_not(profile->key, &error);
        p11_error_describe(&error, refusal->detail, sizeof refusal->detail);
        return refusal_from_p11(why);
    }
    int r = make_header(profile, jose, &header);
    if (r == 0 && !atomic_compare_exchange_strong(&profile->composition->header, &none, header))
        header_free(header); /* another worker was faster */
    return r;
}

const char *compose_kid(const struct profile *profile)
{
    const struct header *header = atomic_load(&profile->composition->header);
    return header && header->kid[0] ? header->kid : NULL;
}

static void add_gap(struct template *template, enum part part, const char *name)
{
    if (name)
        put_name(&template->literals, name);
    template->gaps[template->gap_count++] = (struct gap){part, template->literals.length};
}

static void prepare_claim(struct template *template, const struct profile *profile,
                          const char *audience, enum part part)
{
    switch (part) {
    case PART_ISS:
        put_member(&template->literals, "iss", profile->issuer);
        break;
    case PART_SUB_IS_ISS:
        put_member(&template->literals, "sub", profile->issuer);
        break;
    case PART_AUD:
        put_member(&template->literals, "aud", audience);
        break;
    case PART_IAT:
        add_gap(template, part, "iat");
        break;
    case PART_EXP:
        if (profile->lifetime)
            add_gap(template, part, "exp");
        break;
    case PART_JTI_IF:
        if (!profile->wants_jti)
            break;
        /* fall through */
    case PART_JTI:
        add_gap(template, PART_JTI, "jti");
        template->has_jti = true;
        break;
    default:
        add_gap(template, part, NULL);
    }
}

int compose_prepare(struct profile *profile)
{
    struct composition *composition =
        calloc(1, sizeof *composition + profile->audience_count * sizeof *composition->templates);
    if (!composition)
        return -1;
    profile->composition = composition;
    bool failed = false;
    for (size_t i = 0; i < profile->audience_count; i++) {
        struct template *template = &composition->templates[i];
        for (const enum part *part = profile->kind->claims; *part != PART_END; part++)
            prepare_claim(template, profile, profile->audiences[i], *part);
        failed |= template->literals.failed;
    }
    struct header *header = NULL;
    if (!failed && !wants_thumbprint(profile))
        failed = make_header(profile, NULL, &header) < 0;
    atomic_store(&composition->header, header);
    return failed ? -1 : 0;
}

void compose_release(struct profile *profile)
{
    if (!profile->composition)
        return;
    for (size_t i = 0; i < profile->audience_count; i++)
        text_free(&profile->composition->templates[i].literals);
    header_free(atomic_load(&profile->composition->header));
    free(profile->composition);
    profile->composition = NULL;
}

bool compose_wants_random(const struct profile *profile)
{
    return profile->composition->templates[0].has_jti;
}

static void put_accepted(const struct verdict *verdict, struct text *claims)
{
    const struct profile *profile = verdict->profile;
    for (size_t i = 0; i < profile->accept_count; i++) {
        const struct claim *claim = verdict->claims[i];
        if (!claim)
            continue;
        put_name(claims, profile->accept[i].name);
        accept_write(&profile->accept[i], claim, claims);
    }
}

static void fill_gap(const struct verdict *verdict, enum part part, time_t issued_at,
                     const struct composed *composed, struct text *claims)
{
    switch (part) {
    case PART_IAT:
        text_integer(claims, issued_at);
        break;
    case PART_EXP:
        text_integer(claims, composed->expires_at);
        break;
    case PART_JTI:
        text_string(claims, composed->jti, COMPOSE_JTI_LENGTH);
        break;
    default:
        put_accepted(verdict, claims);
    }
}

int compose_token(const struct verdict *verdict, time_t now,
                  const unsigned char random[static COMPOSE_JTI_BYTES], struct text *claims,
                  struct text *token, struct composed *ret_composed)
{
    const struct profile *profile = verdict->profile;
    const struct template *template = &profile->composition->templates[verdict->audience];
    const struct text *header = &atomic_load(&profile->composition->header)->text;
    time_t issued_at = now - profile->backdate;
    struct composed composed = {.expires_at =
                                    profile->lifetime ? issued_at + profile->lifetime : 0};
    if (template->has_jti)
        base64url_encode(random, COMPOSE_JTI_BYTES, composed.jti);
    size_t from = 0;
    text_clear(claims);
    for (size_t i = 0; i < template->gap_count; i++) {
        const struct gap *gap = &template->gaps[i];
        text_add(claims, template->literals.data + from, gap->literal_end - from);
        fill_gap(verdict, gap->part, issued_at, &composed, claims);
        from = gap->literal_end;
    }
    if (template->literals.length > from)
        text_add(claims, template->literals.data + from, template->literals.length - from);
    close_object(claims);
    text_clear(token);
    text_add(token, header->data, header->length);
    put_encoded(token, claims);
    if (claims->failed || token->failed)
        return REFUSAL_INTERNAL;
    *ret_composed = composed;
    return 0;
}
