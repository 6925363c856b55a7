/* The PIN in a message to the admin socket. */
#ifndef HINTSIGN_AGENT_ADMIN_PIN_H
#define HINTSIGN_AGENT_ADMIN_PIN_H

#include "pkcs11/secret.h"

#include <stdbool.h>

/* Takes the string that is the value of a member "pin" out of JSON text, decoded, and writes 'x'
 * over it there. What is no JSON is left to whoever parses the text.
 * *ret_pin is empty where there is no such member or its string is empty; *ret_found tells which.
 * Returns 0, or -1: there are two, the string is too long or no text, or memory ran out. */
int admin_pin_take(char *text, size_t length, struct secret *ret_pin, bool *ret_found);

#endif
