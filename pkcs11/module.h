/* One loaded PKCS#11 module, shared by the tokens that it serves.
 *
 * The rule that everything here exists for: no handle outlives its generation. SoftHSM and
 * others reuse handle numbers after C_Finalize, so an old handle would sign with another
 * client's key. Whoever uses a session or a key enters the module first, compares the handle's
 * generation with the module's, and leaves afterwards; recovery shuts the door, waits until
 * nobody is inside, and raises the generation before it opens again. */
#ifndef HINTSIGN_PKCS11_MODULE_H
#define HINTSIGN_PKCS11_MODULE_H

#include "pkcs11/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct module {
    char *path;           /* module-path= of the URI, or NULL */
    char *registered;     /* module-name= of the URI, as registered with p11-kit, or NULL */
    CK_FUNCTION_LIST *fn; /* NULL until started */
    char *reserved;       /* x-init-reserved, handed to C_Initialize; or NULL */
    CK_FUNCTION_LIST **registered_modules; /* p11-kit's list, where it was loaded by name */
    struct module *next_loaded;
    atomic_bool loads; /* it is being loaded, or waits until another is */
    bool initialized;
    bool kept;       /* it had not been finalised before: what was open in it still is */
    bool one_caller; /* it bears one thread at a time: calls take turns under `turn` */
    pthread_mutex_t turn;

    _Atomic uint64_t generation; /* of all handles that are valid now; 0 before the first */
    _Atomic unsigned inside;     /* callers between enter and leave */
    _Atomic unsigned room;       /* how many of them there may be (module_is_full) */
    atomic_bool shut;            /* nobody may enter */
    atomic_bool hangs;           /* ... nor now: a call does not come back (rung 4) */
    _Atomic unsigned waiting;    /* for room */
    pthread_mutex_t lock;        /* of `left` */
    pthread_cond_t left;         /* a caller has, and somebody waits for that */

    _Atomic uint64_t climbed[P11_RUNGS]; /* how often a failure has led to each rung */
};

/* A module that is not loaded yet. Exactly one of path and registered is given; they are copied.
 * Errors: P11_MEMORY. Free with module_free. */
int module_new(const char *path, const char *registered, struct module **ret_module,
               struct p11_error *error);

/* Shuts, finalises and unloads. Accepts NULL. */
void module_free(struct module *module);

/* The name for people: the path or the registered name. */
const char *module_name(const struct module *module);

/* Loads the module if it is not loaded, and calls C_Initialize if that is not done.
 * The module stays shut. Errors: P11_INVALID (the same library is loaded under another name),
 * P11_UNAVAILABLE. */
int module_start(struct module *module, struct p11_error *error);

/* From any thread. Where this module is to be loaded: the one that is being loaded now, itself or
 * another that it waits for, because a process loads one library at a time. Otherwise NULL. */
const struct module *module_being_loaded(const struct module *module);

/* C_Finalize and C_Initialize. The module must be shut. Errors: P11_UNAVAILABLE. */
int module_restart(struct module *module, struct p11_error *error);

/* Keeps callers out and waits until those inside have left. */
void module_shut(struct module *module);

/* Raises the generation and lets callers in. Nothing hangs: all have left. */
void module_open(struct module *module);

/* Enters: until module_leave the generation, and with it every handle of that generation, stays
 * valid. Returns the generation, or 0 when the module is shut or hangs. Takes no lock. */
uint64_t module_enter(struct module *module);
void module_leave(struct module *module);

/* Whether more callers are inside than there is room for, the one that asks included: slow calls
 * must not hold all threads of the program. */
bool module_is_full(const struct module *module);

/* From outside: waits until there is room for one more, at most until `deadline` (watch_now).
 * Returns whether there is. */
bool module_wait_for_room(struct module *module, int64_t deadline);

/* For a module that bears one caller at a time: waits for the caller's turn, at most `ms`. Does
 * nothing for any other. Returns false when it did not come. */
bool module_take_turn(struct module *module, long ms);
void module_end_turn(struct module *module);

#endif
