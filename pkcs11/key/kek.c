/* The public key that client secrets are wrapped for: as a file, on a token, and at work. */
#include "config.h"
#include "pkcs11/key/kek.h"
#include "pkcs11/public.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX        16384 /* bytes */
#define BITS_MIN        2048
#define BITS_MAX        4096
#define HASH_TAG        "oaep-hash: "
#define FINGERPRINT_TAG "fingerprint: "

/* Many tokens know RSA-OAEP with SHA-1 alone, which does it no harm: OAEP does not rest on the
 * hash being free of collisions. */
static const struct kek_hash hashes[] = {
    {"SHA-256", "SHA2-256", 32, {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0}},
    {"SHA-1", "SHA1", 20, {CKM_SHA_1, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, NULL, 0}},
};
#define HASHES (sizeof hashes / sizeof hashes[0])

const struct kek_hash *kek_hash_find(const char *name)
{
    for (size_t i = 0; i < HASHES; i++)
        if (strcmp(hashes[i].name, name) == 0)
            return &hashes[i];
    return NULL;
}

const struct kek_hash *kek_hash_at(size_t index)
{
    return index < HASHES ? &hashes[index] : NULL;
}

void kek_clear(struct kek *kek)
{
    EVP_PKEY_free(kek->key);
    crypto_free(kek->crypto);
    OSSL_LIB_CTX_free(kek->library);
    *kek = (struct kek){0};
}

static int begin(struct kek *kek, struct p11_error *error)
{
    kek->library = OSSL_LIB_CTX_new();
    if (!kek->library)
        return p11_error_text(error, P11_MEMORY, "out of memory");
    return crypto_new(kek->library, NULL, &kek->crypto, error);
}

static int take_fingerprint(struct kek *kek, struct p11_error *error)
{
    unsigned char *info = NULL, digest[CRYPTO_SHA256];
    int length = i2d_PUBKEY(kek->key, &info);
    bool good = length > 0 && crypto_sha256(kek->crypto, info, (size_t)length, digest);
    OPENSSL_free(info);
    for (size_t i = 0; good && i < sizeof digest; i++)
        snprintf(kek->fingerprint + 2 * i, 3, "%02x", digest[i]);
    return good ? 0 : p11_error_text(error, P11_FAILED, "OpenSSL cannot hash the public key");
}

/* --- a file --- */

static int read_text(const char *path, char text[static FILE_MAX + 1], struct p11_error *error)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return p11_error_text(error, P11_INVALID, "%s: %m", path);
    size_t length = fread(text, 1, FILE_MAX + 1, file);
    bool good = !ferror(file) && length <= FILE_MAX && !memchr(text, '\0', length);
    fclose(file);
    if (!good)
        return p11_error_text(error, P11_INVALID, "%s: no public key in PEM", path);
    text[length] = '\0';
    return 0;
}

static int take_hash(const char *path, const char *text, struct kek *kek, struct p11_error *error)
{
    char name[16] = "SHA-256";
    const char *tag = strstr(text, HASH_TAG);
    if (tag)
        snprintf(name, sizeof name, "%.*s", (int)strcspn(tag + strlen(HASH_TAG), "\r\n"),
                 tag + strlen(HASH_TAG));
    kek->hash = kek_hash_find(name);
    if (kek->hash)
        return 0;
    return p11_error_text(error, P11_INVALID, "%s: oaep-hash must be SHA-256 or SHA-1", path);
}

static int take_key(const char *path, const char *text, struct kek *kek, struct p11_error *error)
{
    BIO *bio = BIO_new_mem_buf(text, -1);
    if (bio)
        kek->key = PEM_read_bio_PUBKEY_ex(bio, NULL, NULL, NULL, kek->library, NULL);
    BIO_free(bio);
    if (!kek->key)
        return p11_error_text(error, P11_INVALID, "%s: no public key in PEM", path);
    int bits = EVP_PKEY_get_bits(kek->key);
    if (EVP_PKEY_is_a(kek->key, "RSA") && bits >= BITS_MIN && bits <= BITS_MAX)
        return 0;
    return p11_error_text(error, P11_INVALID, "%s: not an RSA key of %d to %d bits", path, BITS_MIN,
                          BITS_MAX);
}

/* Whoever has exchanged the key may have left the line for people's eyes as it was. */
static int check_fingerprint(const char *path, const char *text, const struct kek *kek,
                             struct p11_error *error)
{
    const char *tag = strstr(text, FINGERPRINT_TAG);
    if (!tag || strncmp(tag + strlen(FINGERPRINT_TAG), kek->fingerprint, KEK_FINGERPRINT_HEX) == 0)
        return 0;
    return p11_error_text(error, P11_INVALID,
                          "%s: the fingerprint above the key is another key's; this one has %s",
                          path, kek->fingerprint);
}

int kek_read_file(const char *path, struct kek *kek, struct p11_error *error)
{
    char text[FILE_MAX + 1];
    int r = read_text(path, text, error);
    if (r == 0)
        r = begin(kek, error);
    if (r == 0)
        r = take_key(path, text, kek, error);
    if (r == 0)
        r = take_hash(path, text, kek, error);
    if (r == 0)
        r = take_fingerprint(kek, error);
    return r == 0 ? check_fingerprint(path, text, kek, error) : r;
}

int kek_print(const struct kek *kek, struct p11_error *error)
{
    printf(FINGERPRINT_TAG "%s\n" HASH_TAG "%s\n", kek->fingerprint, kek->hash->name);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    bool good = bio && PEM_write_bio_PUBKEY_ex(bio, kek->key, kek->library, NULL) == 1;
    long length = good ? BIO_get_mem_data(bio, &text) : 0;
    good = good && fwrite(text, 1, (size_t)length, stdout) == (size_t)length;
    BIO_free(bio);
    return good ? 0 : p11_error_text(error, P11_FAILED, "cannot write the public key");
}

/* --- a token --- */

int kek_read_token(const struct token *token, const struct object *object, struct kek *kek,
                   struct p11_error *error)
{
    int r = begin(kek, error);
    if (r == 0)
        r = public_read(kek->crypto, token->module->fn, token->anchor, object, mech_find("RS256"),
                        &kek->key, error);
    return r == 0 ? take_fingerprint(kek, error) : r;
}

/* --- encryption --- */

size_t kek_room(const struct kek *kek)
{
    return (size_t)EVP_PKEY_get_size(kek->key) - 2 * kek->hash->length - 2;
}

int kek_encrypt(const struct kek *kek, const unsigned char *data, size_t length,
                unsigned char *ret_data, size_t *ret_length, struct p11_error *error)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, OSSL_PKEY_RSA_PAD_MODE_OAEP, 0),
        OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, (char *)kek->hash->hash, 0),
        OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, (char *)kek->hash->hash, 0),
        OSSL_PARAM_END,
    };
    params[0].data_size = strlen(params[0].data);
    params[1].data_size = params[2].data_size = strlen(kek->hash->hash);
    size_t size = KEK_RSA_MAX;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(kek->library, kek->key, NULL);
    bool good = context && EVP_PKEY_encrypt_init_ex(context, params) == 1 &&
                EVP_PKEY_encrypt(context, ret_data, &size, data, length) == 1;
    EVP_PKEY_CTX_free(context);
    if (!good)
        return p11_error_text(error, P11_FAILED, "OpenSSL cannot encrypt with RSA-OAEP and %s",
                              kek->hash->name);
    *ret_length = size;
    return 0;
}
