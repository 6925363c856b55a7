/* The claims of a request, gathered from the command line. */
#ifndef HINTSIGN_CLI_CLAIMS_H
#define HINTSIGN_CLI_CLAIMS_H

#include "client/cli/cli.h"

#include <jansson.h>

/* Each adds to `claims`, a JSON object, refuses a claim that is there already, and returns
 * CLI_OK, or prints why not and returns another status. */

/* --subject TEXT: the claim `sub`; "-" reads it from standard input, where `ps` cannot see it. */
int claims_add_subject(const struct cli *cli, json_t *claims, const char *text);

/* --claim NAME=VALUE (a string) or NAME:=JSON (any JSON value). */
int claims_add(const struct cli *cli, json_t *claims, const char *assignment);

/* --claims-file PATH: all members of the JSON object in the file, or in "-", standard input. */
int claims_add_file(const struct cli *cli, json_t *claims, const char *path);

#endif
