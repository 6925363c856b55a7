/* Small inputs, read whole: a file or standard input. */
#include "config.h"
#include "client/cli/input.h"

#include "client/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void input_free(char **text)
{
    free(*text);
}

static int read_stream(FILE *stream, const char *name, char **ret_text, size_t *ret_length)
{
    char *text = malloc(INPUT_MAX + 2);
    if (!text)
        return cli_fail(CLI_AGAIN, "NoMemory", "out of memory");
    size_t length = fread(text, 1, INPUT_MAX + 1, stream);
    if (ferror(stream) || length > INPUT_MAX) {
        free(text);
        return ferror(stream)
                   ? cli_fail(CLI_USAGE, "Input", "cannot read %s: %m", name)
                   : cli_fail(CLI_USAGE, "Input", "%s is longer than %zu bytes", name, INPUT_MAX);
    }
    if (length > 0 && text[length - 1] == '\n')
        length--;
    text[length] = '\0';
    *ret_text = text;
    *ret_length = length;
    return CLI_OK;
}

int input_read(const char *path, char **ret_text, size_t *ret_length)
{
    if (strcmp(path, "-") == 0)
        return read_stream(stdin, "standard input", ret_text, ret_length);
    FILE *stream = fopen(path, "re");
    if (!stream)
        return cli_fail(CLI_USAGE, "Input", "cannot open %s: %m", path);
    int status = read_stream(stream, path, ret_text, ret_length);
    fclose(stream);
    return status;
}
