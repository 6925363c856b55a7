/* What a test takes as given: a configuration with profiles, and a service that runs on it. */
#include "config.h"
#include "tests/unit/given.h"
#include "tests/unit/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *folder(void)
{
    const char *path = scratch_path("profiles.d");
    return access(path, F_OK) == 0 ? path : scratch_folder("profiles.d");
}

void given_profile(const char *name, const char *text)
{
    char path[128];
    folder();
    snprintf(path, sizeof path, "profiles.d/%s.json", name);
    scratch_json(path, text);
}

static void give_up(const char *error)
{
    fprintf(stderr, "%s\n", error);
    abort();
}

static struct conf *load(void)
{
    char error[CONF_ERROR_MAX], text[2048];
    struct conf *conf = NULL;
    snprintf(text, sizeof text,
             "{'tokens':[{'name':'a','uri':'pkcs11:token=a?module-path=/nowhere.so'}],"
             "'listeners':[{'name':'default','path':'%s'},{'name':'shop','path':'%s'}],"
             "'profiles_dir':'%s','state_dir':'%s','audit':{'path':'%s'}}",
             scratch_path("agent.sock"), scratch_path("shop.sock"), folder(), scratch_path("."),
             scratch_path("audit.jsonl"));
    const char *path = scratch_path("agent.json");
    if (access(path, F_OK) < 0)
        path = scratch_json("agent.json", text);
    if (conf_load(path, &conf, error) < 0)
        give_up(error);
    return conf;
}

struct conf *given_conf(void)
{
    struct conf *conf = load();
    if (conf_bind(conf, NULL, NULL, 0) < 0)
        give_up("out of memory");
    return conf;
}

static struct conf *load_bound(const struct service *service)
{
    size_t count;
    struct token **tokens = hsm_tokens(service->hsm, &count);
    struct conf *conf = load();
    if (conf_bind(conf, service->crypto, tokens, count) < 0)
        give_up("out of memory");
    return conf;
}

static int open_audit(const struct conf *conf, struct audit **ret_audit,
                      char error[static CONF_ERROR_MAX])
{
    const struct audit_options options = {.path = conf->audit_path,
                                          .state_dir = conf->state_dir,
                                          .sync = conf->audit_sync,
                                          .sha256 = EVP_sha256()};
    return audit_open(&options, ret_audit, error);
}

struct service *given_service(void)
{
    char error[CONF_ERROR_MAX];
    struct p11_error reason;
    struct service *service = calloc(1, sizeof *service);
    struct conf *conf = load();
    pthread_mutex_init(&service->lock, NULL);
    service->flood = flood_new();
    service->rates = rate_new();
    if (jose_new(NULL, &service->jose) < 0)
        give_up("OpenSSL lacks an algorithm");
    if (crypto_new(service->jose->lib, NULL, &service->crypto, &reason) < 0)
        give_up(reason.text);
    if (hsm_new(conf, &service->hsm, error) < 0 || open_audit(conf, &service->audit, error) < 0)
        give_up(error);
    conf_unref(conf);
    service->conf = load_bound(service);
    return service;
}

void given_reload(struct service *service)
{
    service_set_conf(service, load_bound(service));
}

void given_end(struct service *service)
{
    conf_unref(service->conf);
    audit_close(service->audit);
    flood_free(service->flood);
    rate_free(service->rates);
    hsm_stop(service->hsm, 0);
    crypto_free(service->crypto);
    jose_free(service->jose);
    pthread_mutex_destroy(&service->lock);
    free(service);
}
