/* Wraps a key for a token, and writes and reads the file that it travels in. */
#include "config.h"
#include "pkcs11/key/wrapped.h"
#include "pkcs11/key/hmac_key.h"

#include <jansson.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_VERSION     1
#define FILE_MAX         16384 /* bytes */
#define BASE64_LEN(size) (4 * (((size) + 2) / 3))

/* --- wrapping --- */

/* AES key wrap with padding. EVP clears its copy of the AES key when the context is freed. */
static bool wrap_with_aes(OSSL_LIB_CTX *library, const unsigned char *aes, const struct secret *key,
                          struct wrapped *wrapped)
{
    int length = 0;
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(library, "AES-256-WRAP-PAD", NULL);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (context)
        EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    bool good =
        cipher && context && EVP_EncryptInit_ex2(context, cipher, aes, NULL, NULL) == 1 &&
        EVP_EncryptUpdate(context, wrapped->data, &length, key->data, (int)key->length) == 1;
    EVP_CIPHER_CTX_free(context);
    EVP_CIPHER_free(cipher);
    wrapped->length = (size_t)length;
    return good;
}

static int wrap_long(const struct kek *kek, const struct secret *key, struct wrapped *wrapped,
                     struct p11_error *error)
{
    unsigned char aes[WRAPPED_AES_LEN];
    int r = 0;
    if (RAND_priv_bytes_ex(kek->library, aes, sizeof aes, 0) != 1 ||
        !wrap_with_aes(kek->library, aes, key, wrapped))
        r = p11_error_text(error, P11_FAILED, "OpenSSL cannot wrap with AES");
    if (r == 0)
        r = kek_encrypt(kek, aes, sizeof aes, wrapped->transport, &wrapped->transport_len, error);
    OPENSSL_cleanse(aes, sizeof aes);
    return r;
}

int wrapped_make(const struct kek *kek, const struct secret *key, struct wrapped *ret_wrapped,
                 struct p11_error *error)
{
    *ret_wrapped = (struct wrapped){.hash = kek->hash, .key_len = key->length};
    memcpy(ret_wrapped->fingerprint, kek->fingerprint, sizeof kek->fingerprint);
    if (key->length > kek_room(kek))
        return wrap_long(kek, key, ret_wrapped, error);
    return kek_encrypt(kek, key->data, key->length, ret_wrapped->data, &ret_wrapped->length, error);
}

/* --- the file --- */

static json_t *to_base64(const unsigned char *data, size_t length)
{
    char text[BASE64_LEN(WRAPPED_DATA_MAX) + 1];
    int text_len = EVP_EncodeBlock((unsigned char *)text, data, (int)length);
    return json_stringn(text, (size_t)text_len);
}

/* Returns the length, or 0: no base64, or more than there is room for. OpenSSL alone would pass
 * over blanks, and take "=" anywhere. */
static size_t from_base64(const char *text, unsigned char *data, size_t size)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char decoded[BASE64_LEN(WRAPPED_DATA_MAX)];
    size_t text_len = strlen(text), padding = text_len - strspn(text, alphabet);
    if (text_len == 0 || text_len % 4 != 0 || text_len > BASE64_LEN(size) || padding > 2 ||
        strspn(text + text_len - padding, "=") != padding)
        return 0;
    int length = EVP_DecodeBlock(decoded, (const unsigned char *)text, (int)text_len);
    if (length < 0 || (size_t)length - padding > size)
        return 0;
    memcpy(data, decoded, (size_t)length - padding);
    return (size_t)length - padding;
}

static json_t *to_json(const struct wrapped *wrapped)
{
    json_t *file = json_object();
    int r = json_object_set_new(file, "version", json_integer(FILE_VERSION));
    r |= json_object_set_new(file, "kek", json_string(wrapped->fingerprint));
    r |= json_object_set_new(file, "oaep_hash", json_string(wrapped->hash->name));
    r |= json_object_set_new(file, "algorithm", json_string(wrapped->mech->algorithm));
    if (wrapped->derivation)
        r |= json_object_set_new(file, "derive", json_string(wrapped->derivation->name));
    r |= json_object_set_new(file, "length", json_integer((json_int_t)wrapped->key_len));
    if (wrapped->transport_len > 0)
        r |= json_object_set_new(file, "transport_key",
                                 to_base64(wrapped->transport, wrapped->transport_len));
    r |= json_object_set_new(file, "wrapped_key", to_base64(wrapped->data, wrapped->length));
    if (r == 0)
        return file;
    json_decref(file);
    return NULL;
}

int wrapped_print(const struct wrapped *wrapped, struct p11_error *error)
{
    json_t *file = to_json(wrapped);
    if (!file)
        return p11_error_text(error, P11_MEMORY, "out of memory");
    bool written = json_dumpf(file, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF &&
                   fflush(stdout) == 0;
    json_decref(file);
    return written ? 0 : p11_error_text(error, P11_FAILED, "cannot write to standard output");
}

/* Copies what the members say. Returns NULL, or the member that is wrong. */
static const char *take(json_t *file, struct wrapped *wrapped)
{
    json_int_t version, length;
    const char *kek, *hash, *algorithm, *derive = NULL, *transport = NULL, *data;
    json_error_t problem;
    if (json_unpack_ex(file, &problem, JSON_STRICT, "{s:I, s:s, s:s, s:s, s?s, s:I, s?s, s:s}",
                       "version", &version, "kek", &kek, "oaep_hash", &hash, "algorithm",
                       &algorithm, "derive", &derive, "length", &length, "transport_key",
                       &transport, "wrapped_key", &data) < 0)
        return "members";
    *wrapped = (struct wrapped){.hash = kek_hash_find(hash),
                                .mech = mech_find(algorithm),
                                .derivation = derive ? hmac_key_derivation(derive) : NULL,
                                .key_len = (size_t)length};
    if (version != FILE_VERSION)
        return "version";
    if (strlen(kek) != KEK_FINGERPRINT_HEX)
        return "kek";
    memcpy(wrapped->fingerprint, kek, sizeof wrapped->fingerprint);
    if (!wrapped->hash)
        return "oaep_hash";
    if (!wrapped->mech || wrapped->mech->object_class != CKO_SECRET_KEY)
        return "algorithm";
    if (derive && !wrapped->derivation)
        return "derive";
    if (length < (json_int_t)wrapped->mech->key_min || length > (json_int_t)SECRET_MAX)
        return "length";
    wrapped->length = from_base64(data, wrapped->data, sizeof wrapped->data);
    if (wrapped->length == 0)
        return "wrapped_key";
    if (transport)
        wrapped->transport_len =
            from_base64(transport, wrapped->transport, sizeof wrapped->transport);
    return transport && wrapped->transport_len == 0 ? "transport_key" : NULL;
}

int wrapped_read(const char *path, struct wrapped *ret_wrapped, struct p11_error *error)
{
    char text[FILE_MAX];
    FILE *input = fopen(path, "re");
    if (!input)
        return p11_error_text(error, P11_INVALID, "%s: %m", path);
    size_t length = fread(text, 1, sizeof text, input);
    fclose(input);
    json_t *file =
        length < sizeof text ? json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const char *wrong = file ? take(file, ret_wrapped) : "JSON";
    json_decref(file);
    if (!wrong)
        return 0;
    return p11_error_text(error, P11_INVALID, "%s: no file of hintsign-key wrap: its %s is wrong",
                          path, wrong);
}
