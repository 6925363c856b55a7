/* A PIN, from the terminal or a pipe. */
#ifndef HINTSIGN_CLI_PIN_H
#define HINTSIGN_CLI_PIN_H

#include <stddef.h>

#define PIN_MAX 4095 /* bytes; a terminal's line holds no more */

/* Wipe with pin_wipe. */
struct pin {
    char text[PIN_MAX + 2]; /* ended by a NUL */
    size_t length;
};

/* Asks for it on the terminal, without echo, if standard input is one; else reads standard input to
 * its end. One final newline is dropped. A signal restores the terminal before it is acted on.
 * Returns CLI_OK, or prints why not. */
int pin_read(const char *question, struct pin *ret_pin);

void pin_wipe(struct pin *pin);

#endif
