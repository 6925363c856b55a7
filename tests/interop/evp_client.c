/* A program that signs through OpenSSL with keys of the agent, and verifies with the default
 * provider; for 141-openssl-threads.sh. */
#include "config.h"
#include "client/hintsign.h"

#include <dirent.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 64

static OSSL_LIB_CTX *library;
static OSSL_PROVIDER *providers[2];

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static void check(bool good, const char *what)
{
    if (!good)
        fail(what);
}

static void load_providers(void)
{
    library = OSSL_LIB_CTX_new();
    providers[0] = OSSL_PROVIDER_load(library, "default");
    providers[1] = OSSL_PROVIDER_load(library, "hintsign");
    check(providers[0] && providers[1], "the providers cannot be loaded");
}

static void unload_providers(void)
{
    for (size_t i = 0; i < 2; i++)
        OSSL_PROVIDER_unload(providers[i]);
    OSSL_LIB_CTX_free(library);
}

static EVP_PKEY *load_key(const char *uri)
{
    EVP_PKEY *key = NULL;
    OSSL_STORE_CTX *store = OSSL_STORE_open_ex(uri, library, NULL, NULL, NULL, NULL, NULL, NULL);
    check(store != NULL, uri);
    while (!key && !OSSL_STORE_eof(store)) {
        OSSL_STORE_INFO *info = OSSL_STORE_load(store);
        if (info && OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY)
            key = OSSL_STORE_INFO_get1_PKEY(info);
        OSSL_STORE_INFO_free(info);
    }
    OSSL_STORE_close(store);
    check(key != NULL, "no key");
    return key;
}

/* The public half as the default provider has it. */
static EVP_PKEY *public_half(EVP_PKEY *key)
{
    EVP_PKEY *half = NULL;
    OSSL_PARAM *params = NULL;
    check(EVP_PKEY_todata(key, EVP_PKEY_PUBLIC_KEY, &params) == 1, "the public half is not given");
    EVP_PKEY_CTX *context =
        EVP_PKEY_CTX_new_from_name(library, EVP_PKEY_get0_type_name(key), "provider=default");
    check(context && EVP_PKEY_fromdata_init(context) == 1 &&
              EVP_PKEY_fromdata(context, &half, EVP_PKEY_PUBLIC_KEY, params) == 1,
          "the public half is not taken");
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    return half;
}

/* NULL for keys that sign data. */
static const char *digest_of(EVP_PKEY *key, char *name, size_t size)
{
    EVP_PKEY_get_default_digest_name(key, name, size);
    return EVP_PKEY_is_a(key, "ED25519") ? NULL : name;
}

static void sign_once(EVP_PKEY *key, EVP_PKEY *half, const char *digest, const void *data,
                      size_t length)
{
    unsigned char signature[1024];
    size_t signature_len = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    check(EVP_DigestSignInit_ex(context, NULL, digest, library, NULL, key, NULL) == 1 &&
              EVP_DigestSign(context, signature, &signature_len, data, length) == 1,
          "EVP_DigestSign");
    EVP_MD_CTX_free(context);
    if (!half)
        return;
    context = EVP_MD_CTX_new();
    check(EVP_DigestVerifyInit_ex(context, NULL, digest, library, NULL, half, NULL) == 1 &&
              EVP_DigestVerify(context, signature, signature_len, data, length) == 1,
          "EVP_DigestVerify");
    EVP_MD_CTX_free(context);
}

/* What the threads share. */
static struct {
    EVP_PKEY *key, *half;
    char digest[64];
    const char *profile; /* for libhintsign */
    long count;
    atomic_long next;
    atomic_llong openssl_ns, libhintsign_ns;
} job;

static long long now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void *sign_many(void *argument)
{
    (void)argument;
    for (long i; (i = atomic_fetch_add(&job.next, 1)) < job.count;) {
        if (i == job.count / 2) {
            puts("half");
            fflush(stdout);
        }
        sign_once(job.key, job.half, job.digest, &i, sizeof i);
    }
    return NULL;
}

static void sign_by_library(struct hintsign *handle, const void *digest)
{
    struct hintsign_signature *signature;
    struct hintsign_sign_request request = {
        .profile = job.profile, .algorithm = "ES256", .digest = digest, .digest_length = 32};
    if (hintsign_sign(handle, &request, &signature) < 0)
        fail(hintsign_last_error(handle)->message);
    hintsign_signature_free(signature);
}

/* By turns, so that whatever else the machine does meanwhile costs both the same. */
static void *compare_many(void *argument)
{
    struct hintsign *handle;
    unsigned char data[32] = {0};
    (void)argument;
    check(hintsign_open(NULL, &handle) == 0, "hintsign_open");
    while (atomic_fetch_add(&job.next, 1) < job.count) {
        long long begin = now_ns();
        sign_once(job.key, NULL, job.digest, data, sizeof data);
        long long middle = now_ns();
        sign_by_library(handle, data);
        atomic_fetch_add(&job.openssl_ns, middle - begin);
        atomic_fetch_add(&job.libhintsign_ns, now_ns() - middle);
    }
    hintsign_close(handle);
    return NULL;
}

static void run_threads(long threads, void *(*work)(void *))
{
    pthread_t thread[THREADS_MAX];
    check(threads > 0 && threads <= THREADS_MAX, "too many threads");
    for (long i = 0; i < threads; i++)
        check(pthread_create(&thread[i], NULL, work, NULL) == 0, "pthread_create");
    for (long i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
}

static void take_job(const char *uri, const char *count)
{
    job.key = load_key(uri);
    job.half = public_half(job.key);
    digest_of(job.key, job.digest, sizeof job.digest);
    job.count = atol(count);
}

static void end_job(void)
{
    EVP_PKEY_free(job.half);
    EVP_PKEY_free(job.key);
}

static void do_sign(char **arguments)
{
    take_job(arguments[0], arguments[2]);
    run_threads(atol(arguments[1]), sign_many);
    end_job();
}

static void do_compare(char **arguments)
{
    char uri[128];
    snprintf(uri, sizeof uri, "hintsign:%s", arguments[0]);
    job.profile = arguments[0];
    take_job(uri, arguments[2]);
    run_threads(atol(arguments[1]), compare_many);
    printf("%.0f us through OpenSSL, %.0f through libhintsign: %.0f %%\n",
           (double)job.openssl_ns / 1e3 / (double)job.count,
           (double)job.libhintsign_ns / 1e3 / (double)job.count,
           100 * (double)job.libhintsign_ns / (double)job.openssl_ns);
    end_job();
}

static void do_fork(char **arguments)
{
    EVP_PKEY *key = load_key(arguments[0]), *half = public_half(key);
    int status = 1;
    sign_once(key, half, "SHA256", "before", 6);
    pid_t child = fork();
    for (int i = 0; i < 50; i++)
        sign_once(key, half, "SHA256", "after", 5);
    EVP_PKEY_free(half);
    EVP_PKEY_free(key);
    if (child == 0) {
        unload_providers();
        exit(0);
    }
    check(waitpid(child, &status, 0) == child && status == 0, "the child failed");
}

static size_t count_entries(const char *path, bool sockets)
{
    size_t count = 0;
    DIR *dir = opendir(path);
    const struct dirent *entry;
    check(dir != NULL, path);
    while ((entry = readdir(dir))) {
        struct stat status;
        if (entry->d_name[0] != '.' &&
            (!sockets ||
             (fstatat(dirfd(dir), entry->d_name, &status, 0) == 0 && S_ISSOCK(status.st_mode))))
            count++;
    }
    closedir(dir);
    return count;
}

static void do_idle(char **arguments)
{
    (void)arguments;
    printf("%zu sockets, %zu threads\n", count_entries("/proc/self/fd", true),
           count_entries("/proc/self/task", false));
}

/* In pieces, with a copy of the context on the way, and asked for its size first. */
static void sign_in_pieces(EVP_PKEY *key, EVP_PKEY *half, const char *digest)
{
    static const unsigned char abc[] = "abc", abd[] = "abd";
    unsigned char first[1024], second[1024];
    size_t first_len = 0, second_len = sizeof second;
    EVP_MD_CTX *context = EVP_MD_CTX_new(), *copy = EVP_MD_CTX_new(), *verify = EVP_MD_CTX_new();
    check(
        EVP_DigestSignInit_ex(context, NULL, digest, library, NULL, key, NULL) == 1 &&
            EVP_DigestSignUpdate(context, "ab", 2) == 1 && EVP_MD_CTX_copy_ex(copy, context) == 1 &&
            EVP_DigestSignUpdate(context, "c", 1) == 1 && EVP_DigestSignUpdate(copy, "d", 1) == 1 &&
            EVP_DigestSignFinal(context, NULL, &first_len) == 1 && first_len <= sizeof first &&
            EVP_DigestSignFinal(context, first, &first_len) == 1 &&
            EVP_DigestSignFinal(copy, second, &second_len) == 1,
        "signing in pieces");
    check(EVP_DigestVerifyInit_ex(verify, NULL, digest, library, NULL, half, NULL) == 1 &&
              EVP_DigestVerify(verify, first, first_len, abc, 3) == 1,
          "the first piece");
    EVP_MD_CTX_reset(verify);
    check(EVP_DigestVerifyInit_ex(verify, NULL, digest, library, NULL, half, NULL) == 1 &&
              EVP_DigestVerify(verify, second, second_len, abd, 3) == 1,
          "the copy");
    size_t too_small = 5;
    EVP_MD_CTX_reset(context);
    check(EVP_DigestSignInit_ex(context, NULL, digest, library, NULL, key, NULL) == 1 &&
              EVP_DigestSign(context, first, &too_small, abc, 3) != 1,
          "a place that is too small is refused");
    EVP_MD_CTX_free(verify);
    EVP_MD_CTX_free(copy);
    EVP_MD_CTX_free(context);
}

static void sign_digest(EVP_PKEY *key, EVP_PKEY *half, const char *digest)
{
    unsigned char hash[EVP_MAX_MD_SIZE], signature[1024];
    size_t hash_len, signature_len = sizeof signature;
    EVP_MD *md = EVP_MD_fetch(library, digest, NULL);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(library, key, NULL);
    EVP_PKEY_CTX *verify = EVP_PKEY_CTX_new_from_pkey(library, half, NULL);
    check(EVP_Q_digest(library, digest, NULL, "abc", 3, hash, &hash_len) == 1 &&
              EVP_PKEY_sign_init(context) == 1 && EVP_PKEY_CTX_set_signature_md(context, md) == 1 &&
              EVP_PKEY_sign(context, signature, &signature_len, hash, hash_len) == 1,
          "EVP_PKEY_sign");
    check(EVP_PKEY_sign(context, signature, &signature_len, hash, hash_len - 1) != 1,
          "half a digest is refused");
    check(EVP_PKEY_verify_init(verify) == 1 && EVP_PKEY_CTX_set_signature_md(verify, md) == 1 &&
              EVP_PKEY_verify(verify, signature, signature_len, hash, hash_len) == 1,
          "EVP_PKEY_verify");
    EVP_PKEY_CTX_free(verify);
    /* With our own key, verification goes to the other provider by itself. */
    verify = EVP_PKEY_CTX_new_from_pkey(library, key, NULL);
    check(EVP_PKEY_verify_init(verify) == 1 && EVP_PKEY_CTX_set_signature_md(verify, md) == 1 &&
              EVP_PKEY_verify(verify, signature, signature_len, hash, hash_len) == 1,
          "EVP_PKEY_verify with the agent's key");
    EVP_PKEY_CTX_free(verify);
    EVP_PKEY_CTX_free(context);
    EVP_MD_free(md);
    ERR_clear_error();
}

static void do_shapes(char **arguments)
{
    EVP_PKEY *key = load_key(arguments[0]), *half = public_half(key), *copy = EVP_PKEY_dup(key);
    char name[64];
    const char *digest = digest_of(key, name, sizeof name);
    OSSL_PARAM *params = NULL;
    check(copy && EVP_PKEY_eq(copy, key) == 1 && EVP_PKEY_eq(key, half) == 1 &&
              EVP_PKEY_eq(half, key) == 1,
          "EVP_PKEY_eq");
    check(EVP_PKEY_todata(key, EVP_PKEY_KEYPAIR, &params) != 1, "the private half is not given");
    sign_once(copy, half, digest, "abc", 3);
    sign_once(key, key, digest, "abc", 3);
    if (digest) {
        sign_in_pieces(key, half, digest);
        sign_digest(key, half, digest);
    }
    EVP_PKEY_free(copy);
    EVP_PKEY_free(half);
    EVP_PKEY_free(key);
}

static const struct command {
    const char *name;
    int arguments;
    void (*run)(char **arguments);
} commands[] = {
    {"sign", 3, do_sign}, {"compare", 3, do_compare}, {"fork", 1, do_fork},
    {"idle", 0, do_idle}, {"shapes", 1, do_shapes},
};

static const char usage[] =
    "evp_client sign URI THREADS COUNT          sign COUNT times, and say when half is done\n"
    "evp_client compare PROFILE THREADS COUNT   ES256 through OpenSSL and through libhintsign\n"
    "evp_client fork URI                        sign before and after a fork, on both sides\n"
    "evp_client idle                            say which sockets and threads loading took\n"
    "evp_client shapes URI                      sign in every way there is\n";

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, argv[1]) != 0 || commands[i].arguments != argc - 2)
            continue;
        load_providers();
        commands[i].run(argv + 2);
        unload_providers();
        return 0;
    }
    fputs(usage, stderr);
    return 2;
}
