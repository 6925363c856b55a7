/* Turns the command line into a const struct, and says what is wrong with it. */
#include "config.h"
#include "pkcs11/key/options.h"
#include "pkcs11/key/command.h"
#include "pkcs11/key/hmac_key.h"
#include "pkcs11/key/keyspec.h"
#include "pkcs11/key/show.h"
#include "pkcs11/mech.h"

#include <stdio.h>
#include <string.h>

struct option_row {
    unsigned bit; /* enum option */
    const char *name;
    const char *argument; /* NULL: takes none */
    const char *help;
    /* Returns NULL, or what is wrong with the value. */
    const char *(*take)(struct options *options, const char *value);
};

static const char *take_token(struct options *options, const char *value)
{
    if (options->token_count == OPTIONS_TOKENS_MAX)
        return "is given too often";
    options->tokens[options->token_count++] = value;
    return NULL;
}

static const char *take_label(struct options *options, const char *value)
{
    size_t length = strlen(value);
    if (length == 0 || length > OBJECT_LABEL_MAX)
        return "must have 1 to 255 bytes";
    if (!show_is_printable(value))
        return "has a control character";
    options->label = value;
    return NULL;
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = c ? strchr(digits, c) : NULL;
    return found ? (int)(found - digits) % 16 : -1;
}

static const char *take_id(struct options *options, const char *value)
{
    static const char problem[] = "must be 1 to 64 bytes in hexadecimal digits";
    size_t length = strlen(value);
    if (length == 0 || length % 2 != 0 || length / 2 > OBJECT_ID_MAX)
        return problem;
    for (size_t i = 0; i < length / 2; i++) {
        int high = hex_digit(value[2 * i]), low = hex_digit(value[2 * i + 1]);
        if (high < 0 || low < 0)
            return problem;
        options->id[i] = (unsigned char)(high * 16 + low);
    }
    options->id_len = length / 2;
    return NULL;
}

static const char *take_derive(struct options *options, const char *value)
{
    options->derivation = hmac_key_derivation(value);
    return options->derivation ? NULL : "knows one derivation: authway";
}

static const char *take_algorithm(struct options *options, const char *value)
{
    options->mech = mech_find(value);
    if (options->mech && options->mech->object_class == CKO_SECRET_KEY)
        return NULL;
    return "must be HS256, HS384 or HS512";
}

static const char *take_secret_file(struct options *options, const char *value)
{
    options->secret_file = value;
    return NULL;
}

static const char *take_wrapped(struct options *options, const char *value)
{
    options->wrapped = value;
    return NULL;
}

static const char *take_unwrap_with(struct options *options, const char *value)
{
    options->unwrap_with = value;
    return NULL;
}

static const char *take_kek(struct options *options, const char *value)
{
    options->kek = value;
    return NULL;
}

static const char *take_fingerprint(struct options *options, const char *value)
{
    options->fingerprint = value;
    return NULL;
}

static const char *take_compare(struct options *options, const char *value)
{
    options->compare = value;
    return NULL;
}

static const char *take_transcript(struct options *options, const char *value)
{
    options->transcript = value;
    return NULL;
}

static const char *take_type(struct options *options, const char *value)
{
    options->keyspec = keyspec_find(value);
    if (options->keyspec)
        return NULL;
    return "must be rsa:2048, rsa:3072, rsa:4096, ec:P-256, ec:P-384, ec:P-521, ed25519, "
           "hmac:256, hmac:384, hmac:512, wrap:rsa:2048, wrap:rsa:3072 or wrap:rsa:4096";
}

static const char *take_allow_short(struct options *options, const char *value)
{
    (void)value;
    options->allow_short = true;
    return NULL;
}

static const char *take_json(struct options *options, const char *value)
{
    (void)value;
    options->json = true;
    return NULL;
}

static const char *take_yes(struct options *options, const char *value)
{
    (void)value;
    options->yes = true;
    return NULL;
}

static const char *take_help(struct options *options, const char *value)
{
    (void)value;
    options->help = true;
    return NULL;
}

static const struct option_row rows[] = {
    {OPTION_TOKEN, "token", "URI", "the token, a PKCS#11 URI with module-path or module-name",
     take_token},
    {OPTION_LABEL, "label", "LABEL", "the key's name (CKA_LABEL)", take_label},
    {OPTION_ID, "id", "HEX", "the key's CKA_ID", take_id},
    {OPTION_TYPE, "type", "TYPE", "rsa:3072, ec:P-256, ed25519, hmac:256, wrap:rsa:3072 and others",
     take_type},
    {OPTION_ALGORITHM, "algorithm", "ALG", "HS256 (the default), HS384 or HS512", take_algorithm},
    {OPTION_DERIVE, "derive", "authway", "derive the key from the secret as Authway does",
     take_derive},
    {OPTION_SECRET_FILE, "secret-file", "FILE", "read the secret from a file instead",
     take_secret_file},
    {OPTION_ALLOW_SHORT, "allow-short", NULL,
     "take a secret shorter than the hash, of 14 bytes or more", take_allow_short},
    {OPTION_WRAPPED, "wrapped", "FILE", "import what hintsign-key wrap has made", take_wrapped},
    {OPTION_UNWRAP_WITH, "unwrap-with", "URI",
     "the token's key that unwraps it: pkcs11:object=LABEL", take_unwrap_with},
    {OPTION_KEK, "kek", "FILE", "the public key that hintsign-key export-kek has printed",
     take_kek},
    {OPTION_FINGERPRINT, "fingerprint", "HEX", "the fingerprint that this key must have",
     take_fingerprint},
    {OPTION_COMPARE, "compare", "FILE", "show what has changed since this output of probe --json",
     take_compare},
    {OPTION_TRANSCRIPT, "transcript", "FILE",
     "record the ceremony in this file, for hintsign-audit", take_transcript},
    {OPTION_JSON, "json", NULL, "print JSON, for machines", take_json},
    {OPTION_YES, "yes", NULL, "do not ask", take_yes},
    {OPTION_HELP, "help", NULL, "show this", take_help},
};
#define ROWS (sizeof rows / sizeof rows[0])

static bool belongs(const struct option_row *row, const struct command *command)
{
    return (command->needs | command->takes | OPTION_HELP) & row->bit;
}

static bool repeatable(const struct option_row *row, const struct command *command)
{
    return row->take == take_token && command->tokens_max > 1;
}

/* The row of "--name" or "--name=value", or NULL. */
static const struct option_row *find_row(const char *word, const struct command *command)
{
    if (strcmp(word, "-h") == 0)
        word = "--help";
    if (strncmp(word, "--", 2) != 0)
        return NULL;
    size_t length = strcspn(word + 2, "=");
    for (size_t i = 0; i < ROWS; i++)
        if (belongs(&rows[i], command) && strlen(rows[i].name) == length &&
            strncmp(rows[i].name, word + 2, length) == 0)
            return &rows[i];
    return NULL;
}

static int missing(const struct command *command, unsigned seen, char *problem, size_t size)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (!(command->needs & ~seen & rows[i].bit))
            continue;
        snprintf(problem, size, "--%s %s is missing: see hintsign-key %s --help", rows[i].name,
                 rows[i].argument, command->name);
        return -1;
    }
    return 0;
}

static int take(const struct command *command, const struct option_row *row, const char *value,
                unsigned *seen, struct options *options, char *problem, size_t size)
{
    const char *wrong = NULL;
    if (row->argument && !value)
        wrong = "lacks its value";
    else if (!row->argument && value)
        wrong = "takes no value";
    else if (*seen & row->bit && !repeatable(row, command))
        wrong = "is given twice";
    else
        wrong = row->take(options, value);
    if (wrong)
        snprintf(problem, size, "--%s %s", row->name, wrong);
    *seen |= row->bit;
    return wrong ? -1 : 0;
}

static int check(const struct command *command, const struct options *options, unsigned seen,
                 char *problem, size_t size)
{
    if (missing(command, seen, problem, size) < 0)
        return -1;
    if (!options->wrapped != !options->unwrap_with) {
        snprintf(problem, size, "--wrapped and --unwrap-with go together");
        return -1;
    }
    const struct derivation *derivation = options->derivation;
    if (options->wrapped && (derivation || options->secret_file || options->allow_short)) {
        snprintf(problem, size,
                 "--secret-file, --derive and --allow-short are for hintsign-key wrap, not for "
                 "--wrapped");
        return -1;
    }
    if (derivation && strcmp(derivation->algorithm, options->mech->algorithm) != 0) {
        snprintf(problem, size, "--derive %s makes keys for %s, not for %s", derivation->name,
                 derivation->algorithm, options->mech->algorithm);
        return -1;
    }
    return 0;
}

int options_parse(const struct command *command, int argc, char **argv, struct options *ret_options,
                  char *problem, size_t problem_size)
{
    struct options options = {.mech = mech_find("HS256")};
    unsigned seen = 0;
    for (int i = 1; i < argc; i++) {
        const struct option_row *row = find_row(argv[i], command);
        if (!row) {
            /* The word itself is not shown: after a slip it may be a secret. */
            snprintf(problem, problem_size,
                     "argument %d is not an option of %s: see hintsign-key %s --help", i,
                     command->name, command->name);
            return -1;
        }
        const char *value = strchr(argv[i], '=');
        if (value)
            value++;
        else if (row->argument && i + 1 < argc)
            value = argv[++i];
        if (take(command, row, value, &seen, &options, problem, problem_size) < 0)
            return -1;
    }
    if (!options.help && check(command, &options, seen, problem, problem_size) < 0)
        return -1;
    *ret_options = options;
    return 0;
}

void options_help(const struct command *command)
{
    printf("Usage: hintsign-key %s", command->name);
    for (size_t i = 0; i < ROWS; i++)
        if (command->needs & rows[i].bit)
            printf(" --%s %s%s", rows[i].name, rows[i].argument,
                   repeatable(&rows[i], command) ? " [--token URI]..." : "");
    printf(" [OPTION]...\nTo %s.\n\n", command->summary);
    for (size_t i = 0; i < ROWS; i++) {
        if (!belongs(&rows[i], command))
            continue;
        const char *argument = rows[i].argument ? rows[i].argument : "";
        int width = printf("  --%s %s", rows[i].name, argument);
        printf("%*s%s\n", 26 - width, "", rows[i].help);
    }
    puts("\nhintsign-key(1) has the details.");
}
