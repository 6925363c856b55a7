/* Encrypts tokens, with all that can be prepared prepared, and decrypts them. */
#include "config.h"
#include "agent/jose/jwe.h"
#include "agent/jose/base64url.h"
#include "agent/jose/compact.h"
#include "agent/jose/ecdh.h"
#include "agent/jose/jwk.h"
#include "agent/jose/wrap.h"

#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A character of kid may become six, \u001f; beside it stand names and an ephemeral key. */
#define HEADER_MAX (6 * JWK_KID_MAX + 512)

struct jwe_recipient {
    const struct jose *jose;
    const struct alg *alg;
    const struct enc *enc;
    EVP_PKEY *key;
    const struct keytype *type;
    EVP_PKEY_CTX *oaep;    /* of RSA alone */
    char head[HEADER_MAX]; /* the header's text; of ECDH-ES up to the value of x */
    size_t head_len;       /* characters */
    size_t header_len;     /* characters of the whole header */
};

/* What is made for one token. */
struct sealing {
    unsigned char cek[ENC_KEY_MAX];
    unsigned char iv[ENC_IV_MAX];
    unsigned char tag[ENC_TAG_MAX];
    unsigned char wrapped[WRAP_LENGTH_MAX];
    size_t wrapped_len;
    char header[HEADER_MAX];
};

/* The members that do not change, and of an ephemeral key all but its coordinates. */
static int write_head(struct jwe_recipient *recipient, const char *kid)
{
    const struct keytype *type = recipient->type;
    json_t *json = json_pack("{s:s, s:s, s:s*, s:s}", "alg", recipient->alg->name, "enc",
                             recipient->enc->name, "kid", kid, "cty", "JWT");
    if (!json || (kid && strlen(kid) > JWK_KID_MAX)) {
        json_decref(json);
        return JOSE_INVALID;
    }
    size_t length = json_dumpb(json, recipient->head, HEADER_MAX, JSON_COMPACT);
    json_decref(json);
    if (length == 0 || length > HEADER_MAX)
        return JOSE_MEMORY;
    recipient->head_len = recipient->header_len = length;
    if (recipient->alg->family != ALG_ECDH_ES)
        return 0;
    char *end = recipient->head + length - 1; /* in the place of the brace */
    size_t room = HEADER_MAX - length + 1;
    int n = snprintf(end, room, ",\"epk\":{\"kty\":\"%s\",\"crv\":\"%s\",\"x\":\"", type->kty,
                     type->crv);
    recipient->head_len = length - 1 + (size_t)n;
    recipient->header_len = recipient->head_len + BASE64URL_LENGTH(type->size) + strlen("\"}}");
    if (type->group)
        recipient->header_len += strlen("\",\"y\":\"") + BASE64URL_LENGTH(type->size);
    return recipient->header_len <= HEADER_MAX ? 0 : JOSE_INVALID;
}

static int prepare(struct jwe_recipient *recipient, const char *kid)
{
    if (!alg_seals(recipient->alg) || !alg_fits(recipient->alg, recipient->key))
        return JOSE_MISMATCH;
    recipient->type = keytype_of(recipient->key);
    int r = write_head(recipient, kid);
    if (r == 0 && recipient->alg->family == ALG_RSA_OAEP)
        r = wrap_rsa_prepare(recipient->jose, recipient->alg, recipient->key, &recipient->oaep);
    return r;
}

int jwe_recipient_new(const struct jose *jose, const struct alg *alg, const struct enc *enc,
                      EVP_PKEY *key, const char *kid, struct jwe_recipient **ret_recipient)
{
    struct jwe_recipient *recipient = calloc(1, sizeof *recipient);
    if (!recipient)
        return JOSE_MEMORY;
    recipient->jose = jose;
    recipient->alg = alg;
    recipient->enc = enc;
    EVP_PKEY_up_ref(key);
    recipient->key = key;
    int r = prepare(recipient, kid);
    if (r < 0) {
        jwe_recipient_free(recipient);
        return r;
    }
    *ret_recipient = recipient;
    return 0;
}

void jwe_recipient_free(struct jwe_recipient *recipient)
{
    if (!recipient)
        return;
    EVP_PKEY_CTX_free(recipient->oaep);
    EVP_PKEY_free(recipient->key);
    free(recipient);
}

static char *put_text(char *place, const char *text, size_t length)
{
    memcpy(place, text, length);
    return place + length;
}

static char *put_bytes(char *place, const void *data, size_t length)
{
    base64url_encode(data, length, place);
    return place + BASE64URL_LENGTH(length);
}

/* The coordinates of the ephemeral key behind the head (RFC 7518 section 4.6.1.1). */
static int write_epk(const struct jwe_recipient *recipient, const EVP_PKEY *epk, char *header)
{
    unsigned char point[1 + 2 * KEYTYPE_SIZE_MAX];
    size_t length = 0, size = recipient->type->size;
    bool ec = recipient->type->group != NULL;
    if (EVP_PKEY_get_octet_string_param(epk, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point,
                                        &length) != 1 ||
        length != (ec ? 1 + 2 * size : size))
        return jose_failed(JOSE_OPENSSL);
    const unsigned char *x = ec ? point + 1 : point;
    char *place = put_text(header, recipient->head, recipient->head_len);
    place = put_bytes(place, x, size);
    if (ec) {
        place = put_text(place, "\",\"y\":\"", strlen("\",\"y\":\""));
        place = put_bytes(place, x + size, size);
    }
    put_text(place, "\"}}", strlen("\"}}"));
    return 0;
}

static int agree_on_key(const struct jwe_recipient *recipient, EVP_PKEY *epk,
                        struct sealing *sealing)
{
    const struct jose *jose = recipient->jose;
    const struct alg *alg = recipient->alg;
    const struct enc *enc = recipient->enc;
    if (alg->wrap_len == 0) {
        struct ecdh_info info = {.algorithm = enc->name};
        return ecdh_derive(jose, epk, recipient->key, &info, enc->key_len, sealing->cek);
    }
    unsigned char key[ECDH_KEY_MAX];
    struct ecdh_info info = {.algorithm = alg->name};
    int r = ecdh_derive(jose, epk, recipient->key, &info, alg->wrap_len, key);
    if (r == 0)
        r = wrap_aes(jose, alg, key, sealing->cek, enc->key_len, sealing->wrapped);
    OPENSSL_cleanse(key, sizeof key);
    sealing->wrapped_len = enc->key_len + WRAP_AES_MORE;
    return r;
}

static int seal_ecdh(const struct jwe_recipient *recipient, struct sealing *sealing)
{
    EVP_PKEY *epk = NULL;
    int r = ecdh_generate(recipient->jose, recipient->key, &epk);
    if (r == 0)
        r = write_epk(recipient, epk, sealing->header);
    if (r == 0)
        r = agree_on_key(recipient, epk, sealing);
    EVP_PKEY_free(epk);
    return r;
}

static int seal_rsa(const struct jwe_recipient *recipient, struct sealing *sealing)
{
    put_text(sealing->header, recipient->head, recipient->head_len);
    return wrap_rsa(recipient->oaep, sealing->cek, recipient->enc->key_len, sealing->wrapped,
                    &sealing->wrapped_len);
}

/* The header, the key that the content is encrypted with, and how it travels. */
static int seal_key(const struct jwe_recipient *recipient, struct sealing *sealing)
{
    OSSL_LIB_CTX *lib = recipient->jose->lib;
    if (RAND_priv_bytes_ex(lib, sealing->cek, recipient->enc->key_len, 0) != 1 ||
        RAND_bytes_ex(lib, sealing->iv, recipient->enc->iv_len, 0) != 1)
        return jose_failed(JOSE_OPENSSL);
    return recipient->oaep ? seal_rsa(recipient, sealing) : seal_ecdh(recipient, sealing);
}

/* Writes the token into `token`, with the encrypted content in `content` on the way. */
static int seal_content(const struct jwe_recipient *recipient, struct sealing *sealing,
                        const void *plaintext, size_t length, unsigned char *content, char *token)
{
    const struct enc *enc = recipient->enc;
    char *place = put_bytes(token, sealing->header, recipient->header_len);
    struct enc_input input = {
        .key = sealing->cek,
        .iv = sealing->iv,
        .aad = token,
        .aad_len = (size_t)(place - token),
        .data = plaintext,
        .length = length,
    };
    int r = enc_encrypt(recipient->jose, enc, &input, content, sealing->tag);
    if (r < 0)
        return r;
    *place++ = '.';
    place = put_bytes(place, sealing->wrapped, sealing->wrapped_len);
    *place++ = '.';
    place = put_bytes(place, sealing->iv, enc->iv_len);
    *place++ = '.';
    place = put_bytes(place, content, enc_length(enc, length));
    *place++ = '.';
    place = put_bytes(place, sealing->tag, enc->tag_len);
    *place = '\0';
    return 0;
}

static size_t token_length(const struct jwe_recipient *recipient, const struct sealing *sealing,
                           size_t length)
{
    const struct enc *enc = recipient->enc;
    return BASE64URL_LENGTH(recipient->header_len) + BASE64URL_LENGTH(sealing->wrapped_len) +
           BASE64URL_LENGTH(enc->iv_len) + BASE64URL_LENGTH(enc_length(enc, length)) +
           BASE64URL_LENGTH(enc->tag_len) + strlen("....");
}

int jwe_seal(const struct jwe_recipient *recipient, const void *plaintext, size_t length,
             char **ret_token, size_t *ret_length)
{
    struct sealing sealing;
    if (length > JWE_PLAINTEXT_MAX)
        return JOSE_INVALID;
    sealing.wrapped_len = 0;
    int r = seal_key(recipient, &sealing);
    size_t token_len = token_length(recipient, &sealing, length);
    unsigned char *content = malloc(length + ENC_PAD_MAX);
    char *token = malloc(token_len + 1);
    if (r == 0)
        r = content && token ? seal_content(recipient, &sealing, plaintext, length, content, token)
                             : JOSE_MEMORY;
    OPENSSL_cleanse(sealing.cek, sizeof sealing.cek);
    free(content);
    if (r < 0) {
        free(token);
        return r;
    }
    *ret_token = token;
    *ret_length = token_len;
    return 0;
}

/* A token being decrypted. */
struct opening {
    const struct jose *jose;
    EVP_PKEY *key;
    const struct alg *alg;
    const struct enc *enc;
    struct compact_part parts[5]; /* header, encrypted key, IV, ciphertext, tag */
    unsigned char cek[ENC_KEY_MAX];
};

static int read_algorithms(const json_t *header, struct opening *opening)
{
    const char *alg, *enc, *text;
    if (compact_text(header, "alg", &alg) < 0 || compact_text(header, "enc", &enc) < 0)
        return JOSE_INVALID;
    static const char *const texts[] = {"kid", "typ", "cty"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (json_object_get(header, texts[i]) && compact_text(header, texts[i], &text) < 0)
            return JOSE_INVALID;
    opening->alg = alg_find(alg);
    opening->enc = enc_find(enc);
    if (!opening->alg || !alg_seals(opening->alg) || !opening->enc)
        return JOSE_UNSUPPORTED;
    return alg_fits(opening->alg, opening->key) ? 0 : JOSE_MISMATCH;
}

/* Bytes of a part that has exactly `length` of them. */
static int read_exactly(const struct compact_part *part, size_t length, unsigned char *ret_data)
{
    return part->length == BASE64URL_LENGTH(length)
               ? base64url_decode(part->text, part->length, ret_data)
               : JOSE_INVALID;
}

/* apu or apv; nothing where it is missing. */
static int read_party(const json_t *header, const char *name,
                      unsigned char data[static ECDH_PARTY_MAX], size_t *ret_length)
{
    const json_t *value = json_object_get(header, name);
    size_t length = json_string_length(value);
    if ((value && !json_is_string(value)) || BASE64URL_BYTES(length) > ECDH_PARTY_MAX)
        return JOSE_INVALID;
    *ret_length = BASE64URL_BYTES(length);
    return base64url_decode(json_string_value(value), length, data);
}

/* The key that the sender derived, too. */
static int open_ecdh(struct opening *opening, const json_t *header, size_t length,
                     unsigned char *ret_key)
{
    unsigned char apu[ECDH_PARTY_MAX], apv[ECDH_PARTY_MAX];
    struct ecdh_info info = {.apu = apu, .apv = apv};
    struct jwk epk = {0};
    const char *error;
    info.algorithm = opening->alg->wrap_len > 0 ? opening->alg->name : opening->enc->name;
    if (read_party(header, "apu", apu, &info.apu_len) < 0 ||
        read_party(header, "apv", apv, &info.apv_len) < 0 ||
        jwk_parse(opening->jose, json_object_get(header, "epk"), &epk, &error) < 0)
        return JOSE_INVALID;
    int r = epk.type == keytype_of(opening->key)
                ? ecdh_derive(opening->jose, opening->key, epk.key, &info, length, ret_key)
                : JOSE_INVALID;
    jwk_clear(&epk);
    return r;
}

static int unwrap(struct opening *opening, const json_t *header)
{
    const struct alg *alg = opening->alg;
    const struct compact_part *part = &opening->parts[1];
    size_t cek_len = opening->enc->key_len, length = BASE64URL_BYTES(part->length);
    unsigned char wrapped[WRAP_LENGTH_MAX], key[ECDH_KEY_MAX];
    if (length > sizeof wrapped || base64url_decode(part->text, part->length, wrapped) < 0)
        return JOSE_INVALID;
    if (alg->family == ALG_RSA_OAEP)
        return wrap_rsa_open(opening->jose, alg, opening->key, wrapped, length, cek_len,
                             opening->cek);
    if (alg->wrap_len == 0)
        return length == 0 ? open_ecdh(opening, header, cek_len, opening->cek) : JOSE_INVALID;
    int r = open_ecdh(opening, header, alg->wrap_len, key);
    if (r == 0)
        r = wrap_aes_open(opening->jose, alg, key, wrapped, length, cek_len, opening->cek);
    OPENSSL_cleanse(key, sizeof key);
    return r;
}

/* A key that cannot be unwrapped is replaced with a random one, so that the content fails, and not
 * the key: who sends tokens must not learn which of the two it was (RFC 7516 section 11.5). */
static int open_key(struct opening *opening, const json_t *header)
{
    if (RAND_priv_bytes_ex(opening->jose->lib, opening->cek, opening->enc->key_len, 0) != 1)
        return jose_failed(JOSE_OPENSSL);
    int r = unwrap(opening, header);
    return r == JOSE_REFUSED ? 0 : r;
}

static int open_content(struct opening *opening, char **ret_plaintext, size_t *ret_length)
{
    const struct enc *enc = opening->enc;
    unsigned char iv[ENC_IV_MAX], tag[ENC_TAG_MAX], *ciphertext;
    size_t length, plaintext_len;
    if (read_exactly(&opening->parts[2], enc->iv_len, iv) < 0 ||
        read_exactly(&opening->parts[4], enc->tag_len, tag) < 0)
        return JOSE_INVALID;
    int r = compact_decode(&opening->parts[3], &ciphertext, &length);
    if (r < 0)
        return r;
    struct enc_input input = {
        .key = opening->cek,
        .iv = iv,
        .aad = opening->parts[0].text,
        .aad_len = opening->parts[0].length,
        .data = ciphertext,
        .length = length,
    };
    unsigned char *plaintext = malloc(length + 1);
    r = plaintext ? enc_decrypt(opening->jose, enc, &input, tag, plaintext, &plaintext_len)
                  : JOSE_MEMORY;
    free(ciphertext);
    if (r < 0) {
        free(plaintext);
        return r;
    }
    plaintext[plaintext_len] = '\0';
    *ret_plaintext = (char *)plaintext;
    *ret_length = plaintext_len;
    return 0;
}

int jwe_open(const struct jose *jose, EVP_PKEY *key, const char *token, size_t length,
             char **ret_plaintext, size_t *ret_length)
{
    static const char *const known[] = {
        "alg", "enc", "kid", "typ", "cty", "epk", "apu", "apv", NULL,
    };
    struct opening opening = {.jose = jose, .key = key};
    json_t *header = NULL;
    int r = compact_split(token, length, 5, opening.parts);
    if (r == 0)
        r = compact_header(&opening.parts[0], known, &header);
    if (r == 0)
        r = read_algorithms(header, &opening);
    if (r == 0)
        r = open_key(&opening, header);
    if (r == 0)
        r = open_content(&opening, ret_plaintext, ret_length);
    json_decref(header);
    OPENSSL_cleanse(opening.cek, sizeof opening.cek);
    return r;
}
