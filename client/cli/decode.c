/* Shows what is in a token, verifying nothing. */
#include "config.h"
#include "client/cli/decode.h"

#include "client/cli/input.h"
#include "client/cli/text.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

/* Parts of a compact serialization: RFC 7515 §7.1, RFC 7516 §7.1. */
#define JWS_PARTS 3
#define JWE_PARTS 5

/* JSON that is nested deeper is shown on one line: indented, a megabyte of it would be gigabytes.
 */
#define LEVELS_INDENTED 16

static const struct option options[] = {CLI_OPTIONS};

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* base64url without padding (RFC 4648 §5), into as many bytes as the text has at least. Returns
 * how many bytes there are, or -1. */
static ssize_t decode_base64url(const char *text, size_t length, char *bytes)
{
    ssize_t n = 0;
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < length; i++) {
        const char *found = memchr(alphabet, text[i], sizeof alphabet - 1);
        if (!found)
            return -1;
        bits = bits << 6 | (uint32_t)(found - alphabet);
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes[n++] = (char)(bits >> held & 0xff);
        }
    }
    bool leftover = held >= 6 || (bits & ((1U << held) - 1)) != 0;
    return leftover ? -1 : n;
}

static int malformed(const char *problem)
{
    return cli_fail(CLI_REFUSED, "Malformed", "%s", problem);
}

static bool is_deeper(const json_t *value, int levels)
{
    size_t i;
    const char *name;
    json_t *item;
    bool nests = json_is_array(value) || json_is_object(value);
    if (!nests || levels == 0)
        return nests;
    json_array_foreach(value, i, item) if (is_deeper(item, levels - 1)) return true;
    json_object_foreach((json_t *)value, name, item) if (is_deeper(item, levels - 1)) return true;
    return false;
}

/* Prints one part as indented JSON. `name` is for the error. */
static int print_part(const char *name, const char *part, size_t length)
{
    json_error_t why;
    char *bytes = malloc(length + 1);
    ssize_t size = bytes ? decode_base64url(part, length, bytes) : -1;
    json_auto_t *object =
        size < 0 ? NULL : json_loadb(bytes, (size_t)size, JSON_REJECT_DUPLICATES, &why);
    free(bytes);
    if (size < 0)
        return cli_fail(CLI_REFUSED, "Malformed", "%s: not base64url", name);
    if (!json_is_object(object))
        return cli_fail(CLI_REFUSED, "Malformed", "%s: not a JSON object: %s", name,
                        object ? "another value" : why.text);
    bool deep = is_deeper(object, LEVELS_INDENTED);
    __attribute__((cleanup(input_free))) char *text = json_dumps(object, deep ? 0 : JSON_INDENT(2));
    text_print(stdout, text ? text : "", true);
    putchar('\n');
    return CLI_OK;
}

static size_t count_parts(const char *token)
{
    size_t parts = 1;
    for (; *token; token++)
        parts += *token == '.';
    return parts;
}

static int decode(const char *token)
{
    size_t parts = count_parts(token);
    if (parts != JWS_PARTS && parts != JWE_PARTS)
        return malformed("a token has three parts, or five when it is encrypted");
    const char *header_end = strchr(token, '.');
    const char *claims = header_end + 1;
    int status = print_part("header", token, (size_t)(header_end - token));
    if (status != CLI_OK)
        return status;
    if (parts == JWS_PARTS)
        status = print_part("claims", claims, (size_t)(strchr(claims, '.') - claims));
    if (status != CLI_OK)
        return status;
    fprintf(stderr, "hintsign: decode verifies nothing%s\n",
            parts == JWE_PARTS ? "; the claims are encrypted" : "");
    return CLI_OK;
}

static int run(struct cli *cli, int argc, char **argv)
{
    __attribute__((cleanup(input_free))) char *read = NULL;
    size_t length;
    cli_option(cli, argc, argv, ":", options);
    if (argc - optind > 1)
        return cli_usage(cli, "takes one token");
    const char *token = optind < argc ? argv[optind] : "-";
    if (strcmp(token, "-") != 0)
        return decode(token);
    int status = input_read("-", &read, &length);
    if (status != CLI_OK)
        return status;
    return strlen(read) == length ? decode(read) : malformed("it holds a NUL");
}

const struct command decode_command = {
    .name = "decode",
    .purpose = "show a token's header and claims",
    .help = "Usage: hintsign decode [TOKEN|-]\n"
            "\n"
            "Prints the header and the claims of a token, each as a JSON object. Without TOKEN\n"
            "or with - it is read from standard input. Nothing is verified: whoever made the\n"
            "token, it is shown. Of an encrypted token only the header can be read.\n",
    .run = run,
};
