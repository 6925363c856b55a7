/* A fuzz target: one file fuzz_WHAT.c has all three. It ends the process when something is wrong
 * that no sanitizer would see. */
#ifndef HINTSIGN_FUZZ_H
#define HINTSIGN_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* What libFuzzer calls: once at the start, then with each input. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
