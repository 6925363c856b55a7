/* hintsign-fetch: the command line, and where to go from there. */
#include "config.h"
#include "agent/fetch/http.h"
#include "agent/fetch/keeper.h"
#include "agent/fetch/settings.h"
#include "agent/log.h"

#include <curl/curl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#define EXIT_USAGE  2
#define SECONDS_MAX 600

static const char usage[] =
    "Usage: hintsign-fetch [--once] [--config FILE] [--ca-file FILE] [--proxy URL]\n"
    "                      [--timeout SECONDS]\n"
    "Keeps the encryption keys of OpenID Providers fresh, for hintsign-agent to read.\n"
    "\n"
    "  --once             fetch the keys of every provider once, and end\n"
    "  --config FILE      the agent's configuration (" SETTINGS_DEFAULT_PATH ")\n"
    "  --ca-file FILE     trust the certificates in this file (PEM) and no others\n"
    "  --proxy URL        connect through this proxy\n"
    "  --timeout SECONDS  give up a request after so long (30)\n"
    "  --help, --version\n"
    "\n"
    "SIGHUP reads the configuration again and fetches, SIGTERM ends the program.\n"
    "See hintsign-fetch(8).\n";

/* Returns 0, or -1 when it is no number of seconds. */
static int take_seconds(const char *text, long *ret_seconds)
{
    char *end;
    long seconds = strtol(text, &end, 10);
    if (*end || seconds < 1 || seconds > SECONDS_MAX)
        return -1;
    *ret_seconds = seconds;
    return 0;
}

/* Returns -1 to go on, or the exit status. */
static int parse_options(int argc, char **argv, struct keeper_options *options, int *ret_once)
{
    const struct option longs[] = {
        {"once", no_argument, ret_once, 1},        {"config", required_argument, NULL, 'c'},
        {"ca-file", required_argument, NULL, 'a'}, {"proxy", required_argument, NULL, 'p'},
        {"timeout", required_argument, NULL, 't'}, {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},       {NULL, 0, NULL, 0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (c) {
        case 0:
            break;
        case 'c':
            options->config = optarg;
            break;
        case 'a':
            options->ca_file = optarg;
            break;
        case 'p':
            options->proxy = optarg;
            break;
        case 't':
            if (take_seconds(optarg, &options->seconds) == 0)
                break;
            fprintf(stderr, "hintsign-fetch: --timeout takes 1 to %d seconds\n", SECONDS_MAX);
            return EXIT_USAGE;
        case 'h':
            fputs(usage, stdout);
            return 0;
        case 'v':
            puts("hintsign-fetch " PACKAGE_VERSION);
            return 0;
        default:
            return EXIT_USAGE;
        }
    }
    if (optind == argc)
        return -1;
    fputs(usage, stderr);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct keeper_options options = {.config = SETTINGS_DEFAULT_PATH,
                                     .seconds = HTTP_WHOLE_SECONDS};
    int once = 0;
    int status = parse_options(argc, argv, &options, &once);
    if (status >= 0)
        return status;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        log_error("libcurl cannot be initialised");
        return 1;
    }
    status = once ? keeper_once(&options) : keeper_stay(&options);
    curl_global_cleanup();
    return status;
}
