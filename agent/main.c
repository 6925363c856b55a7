/* hintsign-agent: the order in which things start and stop, nothing else. */
#include "config.h"
#include "agent/access.h"
#include "agent/audit_checkpoint.h"
#include "agent/audit_event.h"
#include "agent/log.h"
#include "agent/next_key.h"
#include "agent/process.h"
#include "agent/provider_keys.h"
#include "agent/server.h"
#include "agent/status.h"

#include <getopt.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EXIT_CONFIGURATION 1
#define EXIT_USAGE         2

struct options {
    const char *config;
    bool check;
    bool check_token;
    bool print_policy;
    bool accept_log_gap;
};

static const char usage[] =
    "Usage: hintsign-agent [--config FILE] [--check [--token] | --print-policy |\n"
    "                       --accept-log-gap]\n"
    "Keeps OpenID client secrets in an HSM and mints login_hint_tokens with them.\n"
    "\n"
    "  --config FILE   the configuration (" CONF_DEFAULT_PATH ")\n"
    "  --check         read configuration and profiles, say what is wrong, and end\n"
    "  --token         with --check: also log in and look for every key\n"
    "  --print-policy  print who may have what minted, with a hash, and end\n"
    "  --accept-log-gap\n"
    "                  go on with an audit log that has lost lines, and record that\n"
    "  --help, --version\n"
    "\n"
    "SIGHUP reads the configuration again, SIGUSR1 begins a new audit log, SIGTERM ends\n"
    "the agent.\n"
    "See hintsign-agent(8) and hintsign-agent.json(5).\n";

/* Returns -1 to go on, or the exit status. */
static int parse_options(int argc, char **argv, struct options *options)
{
    static const struct option longs[] = {
        {"config", required_argument, NULL, 'c'},   {"check", no_argument, NULL, 'k'},
        {"token", no_argument, NULL, 't'},          {"print-policy", no_argument, NULL, 'p'},
        {"accept-log-gap", no_argument, NULL, 'g'}, {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},        {NULL, 0, NULL, 0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (c) {
        case 'c':
            options->config = optarg;
            break;
        case 'k':
            options->check = true;
            break;
        case 't':
            options->check_token = true;
            break;
        case 'p':
            options->print_policy = true;
            break;
        case 'g':
            options->accept_log_gap = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return 0;
        case 'v':
            puts("hintsign-agent " PACKAGE_VERSION);
            return 0;
        default:
            return EXIT_USAGE;
        }
    }
    if (optind < argc || (options->check_token && !options->check) ||
        (options->print_policy && options->check) ||
        (options->accept_log_gap && (options->check || options->print_policy))) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    return -1;
}

static int open_crypto(struct service *service, const char *properties,
                       char error[static CONF_ERROR_MAX])
{
    struct p11_error reason;
    /* openssl.cnf could load providers into the context that modules use: our own would ask us. */
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    if (jose_new(properties, &service->jose) < 0) {
        snprintf(error, CONF_ERROR_MAX, "OpenSSL lacks what the properties \"%s\" ask for",
                 properties ? properties : "");
        return -1;
    }
    if (crypto_new(service->jose->lib, properties, &service->crypto, &reason) < 0) {
        snprintf(error, CONF_ERROR_MAX, "%s", reason.text);
        return -1;
    }
    return 0;
}

/* What service_free has to undo; zero-initialise. */
static int service_init(struct service *service, const char *path,
                        char error[static CONF_ERROR_MAX])
{
    size_t count;
    pthread_mutex_init(&service->lock, NULL);
    service->started_at = time(NULL);
    if (!(service->flood = flood_new()) || !(service->rates = rate_new())) {
        snprintf(error, CONF_ERROR_MAX, "out of memory");
        return -1;
    }
    if (conf_load(path, &service->conf, error) < 0 ||
        hsm_new(service->conf, &service->hsm, error) < 0)
        return -1;
    if (open_crypto(service, service->conf->openssl_properties, error) < 0)
        return -1;
    struct token **tokens = hsm_tokens(service->hsm, &count);
    if (conf_bind(service->conf, service->crypto, tokens, count) < 0) {
        snprintf(error, CONF_ERROR_MAX, "out of memory");
        return -1;
    }
    return 0;
}

/* Exit handlers would run beside the call. */
static _Noreturn void end_hanging(void)
{
    log_error("a call into a PKCS#11 module hangs: ending without it");
    _exit(1);
}

static void service_free(struct service *service, int64_t deadline)
{
    if (!hsm_stop(service->hsm, server_seconds_left(deadline)))
        end_hanging();
    if (!audit_keeper_stop(service->keeper, server_seconds_left(deadline))) {
        log_error("audit: the disk hangs: ending without it");
        _exit(1);
    }
    audit_close(service->audit);
    flood_free(service->flood);
    rate_free(service->rates);
    conf_unref(service->conf);
    crypto_free(service->crypto);
    jose_free(service->jose);
    pthread_mutex_destroy(&service->lock);
}

static int check_tokens(struct service *service)
{
    char error[CONF_ERROR_MAX], reason[STATUS_REASON_MAX];
    int status = 0;
    if (hsm_start(service->hsm, service->conf->keyring, error) < 0) {
        log_error("%s", error);
        return EXIT_CONFIGURATION;
    }
    server_wait_for_tokens(service);
    provider_keys_refresh(service->jose, service->conf->provider_keys_dir, service->conf->profiles,
                          service->conf->profile_count);
    for (size_t i = 0; i < service->conf->profile_count; i++) {
        const struct profile *profile = service->conf->profiles[i];
        bool ready = status_is_ready(service->conf, profile, reason, sizeof reason);
        printf("%s: %s\n", profile->name, ready ? "ready" : reason);
        if (!next_key_is_fit(service->conf, profile, reason, sizeof reason))
            printf("%s: next_key: %s\n", profile->name, reason);
        status = ready ? status : EXIT_CONFIGURATION;
    }
    if (service->conf->checkpoint_uri && !conf_checkpoint_key(service->conf)) {
        printf("checkpoint_key: %s\n",
               conf_checkpoint_reason(service->conf, reason, sizeof reason));
        status = EXIT_CONFIGURATION;
    }
    size_t count;
    struct token **tokens = hsm_tokens(service->hsm, &count);
    for (size_t i = 0; i < count; i++)
        if (token_get_state(tokens[i], NULL, 0) != TOKEN_UP)
            status = EXIT_CONFIGURATION; /* its state is in the log */
    return status;
}

static int print_policy(const struct service *service)
{
    struct text text = {0};
    int r = access_write(service->conf, service->crypto->digests[MECH_SHA256], &text);
    bool written =
        r == 0 && fwrite(text.data, 1, text.length, stdout) == text.length && fflush(stdout) == 0;
    text_free(&text);
    if (!written)
        log_error("the policy cannot be written");
    return written ? 0 : EXIT_CONFIGURATION;
}

/* The audit log, and the first record in it. */
static int begin_records(struct service *service, bool accept_gap,
                         char error[static CONF_ERROR_MAX])
{
    const struct conf *conf = service->conf;
    const struct audit_options options = {.path = conf->audit_path,
                                          .state_dir = conf->state_dir,
                                          .sync = conf->audit_sync,
                                          .accept_gap = accept_gap,
                                          .sha256 = service->crypto->digests[MECH_SHA256]};
    if (audit_open(&options, &service->audit, error) < 0)
        return -1;
    int r = audit_keeper_start(service->audit, &service->keeper);
    if (r < 0) {
        snprintf(error, CONF_ERROR_MAX, "cannot start a thread: %s", strerror(-r));
        return -1;
    }
    audit_event_start(service->keeper, conf);
    hsm_record(service->hsm, service->keeper, service->crypto);
    return 0;
}

/* The last record, and where the modules answer, the last checkpoint; the keeper still takes what
 * the tokens do. Returns false when a call into a module hangs. */
static bool end_records(struct service *service, bool stopped, const char *error, int64_t deadline)
{
    if (!service->keeper)
        return stopped;
    audit_event_stop(service->keeper, error);
    audit_keeper_drain(service->keeper, SERVER_RECORD_MS);
    return stopped && audit_checkpoint_stop(service->checkpoints, server_seconds_left(deadline));
}

/* The end, with service_free, must be over at the deadline. */
static int serve(struct service *service, const struct options *options, int64_t *ret_deadline)
{
    char error[CONF_ERROR_MAX];
    struct server *server = NULL;
    struct activation activation;
    struct notify notify;
    notify_open(&notify);
    int r = activation_take(service->conf, &activation, error);
    if (r == 0)
        r = begin_records(service, options->accept_log_gap, error);
    if (r == 0) {
        process_warn();
        r = hsm_start(service->hsm, service->conf->keyring, error);
    }
    if (r == 0)
        r = server_start(service, options->config, &activation, &notify, &server, error);
    if (r == 0)
        server_run(server);
    else
        log_error("%s", error);
    *ret_deadline = server_stop_deadline();
    bool stopped = server_stop(server, *ret_deadline - SERVER_RECORD_MS);
    const char *why = stopped ? NULL : "a call into a PKCS#11 module hangs";
    if (!end_records(service, stopped, r < 0 ? error : why, *ret_deadline))
        end_hanging();
    notify_close(&notify);
    return r == 0 ? 0 : EXIT_CONFIGURATION;
}

int main(int argc, char **argv)
{
    struct options options = {.config = CONF_DEFAULT_PATH};
    struct service service = {0};
    char error[CONF_ERROR_MAX];
    int64_t deadline = 0;
    process_protect();
    int status = parse_options(argc, argv, &options);
    if (status >= 0)
        return status;
    server_block_signals();
    if (service_init(&service, options.config, error) < 0) {
        log_error("%s", error);
        status = EXIT_CONFIGURATION;
    } else if (options.check) {
        status = options.check_token ? check_tokens(&service) : 0;
        deadline = server_stop_deadline();
    } else if (options.print_policy) {
        status = print_policy(&service);
    } else {
        status = serve(&service, &options, &deadline);
    }
    service_free(&service, deadline);
    return status;
}
