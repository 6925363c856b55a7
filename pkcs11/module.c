/* One loaded PKCS#11 module: initialise, finalise, generation, calls in flight. */
#include "config.h"
#include "pkcs11/module.h"
#include "pkcs11/watch.h"

#include <limits.h>
#include <p11-kit/p11-kit.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int module_new(const char *path, const char *registered, struct module **ret_module,
               struct p11_error *error)
{
    struct module *module = calloc(1, sizeof *module);
    if (!module)
        return p11_error_text(error, P11_MEMORY, "out of memory");
    pthread_mutex_init(&module->turn, NULL);
    pthread_mutex_init(&module->lock, NULL);
    pthread_cond_init(&module->left, NULL);
    atomic_store(&module->room, UINT_MAX);
    atomic_store(&module->shut, true);
    module->path = path ? strdup(path) : NULL;
    module->registered = registered ? strdup(registered) : NULL;
    if (!module->path && !module->registered) {
        module_free(module);
        return p11_error_text(error, P11_MEMORY, "out of memory");
    }
    *ret_module = module;
    return 0;
}

/* Those that are loaded in this process. */
static pthread_mutex_t loaded_lock = PTHREAD_MUTEX_INITIALIZER;
static struct module *loaded;

/* One library under two names would be finalised while the other name's handles are in use: one of
 * them has it alone. */
static int claim(struct module *module, struct p11_error *error)
{
    int r = 0;
    pthread_mutex_lock(&loaded_lock);
    for (const struct module *other = loaded; other && r == 0; other = other->next_loaded)
        if (other->fn == module->fn)
            r = p11_error_text(error, P11_INVALID,
                               "%s and %s are the same module: name it alike for all its tokens",
                               module_name(module), module_name(other));
    if (r == 0) {
        module->next_loaded = loaded;
        loaded = module;
    }
    pthread_mutex_unlock(&loaded_lock);
    return r;
}

static void disclaim(const struct module *module)
{
    pthread_mutex_lock(&loaded_lock);
    struct module **link = &loaded;
    while (*link && *link != module)
        link = &(*link)->next_loaded;
    if (*link)
        *link = module->next_loaded;
    pthread_mutex_unlock(&loaded_lock);
}

static void unload(struct module *module)
{
    if (module->fn && module->initialized)
        module->fn->C_Finalize(NULL);
    disclaim(module);
    if (module->registered_modules)
        p11_kit_modules_release(module->registered_modules);
    else if (module->fn)
        p11_kit_module_release(module->fn);
    module->registered_modules = NULL;
    module->fn = NULL;
    module->initialized = false;
}

void module_free(struct module *module)
{
    if (!module)
        return;
    module_shut(module);
    unload(module);
    pthread_cond_destroy(&module->left);
    pthread_mutex_destroy(&module->lock);
    pthread_mutex_destroy(&module->turn);
    free(module->reserved);
    free(module->registered);
    free(module->path);
    free(module);
}

const char *module_name(const struct module *module)
{
    return module->path ? module->path : module->registered;
}

/* Unmanaged, because p11-kit's managed wrapper only closes sessions when a module is shared:
 * C_Finalize must be real, it is what brings a lost device back. */
static int load_by_path(struct module *module, struct p11_error *error)
{
    module->fn = p11_kit_module_load(module->path, P11_KIT_MODULE_UNMANAGED);
    if (!module->fn)
        return p11_error_text(error, P11_UNAVAILABLE, "cannot load %s: %s", module->path,
                              p11_kit_message());
    return 0;
}

static int load_by_name(struct module *module, struct p11_error *error)
{
    module->registered_modules = p11_kit_modules_load(NULL, P11_KIT_MODULE_UNMANAGED);
    if (module->registered_modules)
        module->fn = p11_kit_module_for_name(module->registered_modules, module->registered);
    if (!module->fn) {
        unload(module);
        return p11_error_text(error, P11_UNAVAILABLE, "no module %s is registered with p11-kit",
                              module->registered);
    }
    free(module->reserved);
    module->reserved = p11_kit_config_option(module->fn, "x-init-reserved");
    return 0;
}

/* Always with our own arguments: NULL would let the module assume a single thread. */
static int initialize(struct module *module, struct p11_error *error)
{
    watch_beat();
    CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK, .pReserved = module->reserved};
    CK_RV rv = module->fn->C_Initialize(&args);
    if (rv == CKR_CANT_LOCK) {
        args.flags = 0;
        module->one_caller = true;
        rv = module->fn->C_Initialize(&args);
    }
    if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED)
        return p11_error_call(error, P11_UNAVAILABLE, "C_Initialize", rv);
    module->initialized = true;
    module->kept = rv == CKR_CRYPTOKI_ALREADY_INITIALIZED;
    return 0;
}

/* The C library and p11-kit load one library at a time; we keep that order, to know for whom the
 * others wait. */
static pthread_mutex_t load_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(const struct module *) being_loaded;

const struct module *module_being_loaded(const struct module *module)
{
    return atomic_load(&module->loads) ? atomic_load(&being_loaded) : NULL;
}

static int load(struct module *module, struct p11_error *error)
{
    atomic_store(&module->loads, true);
    pthread_mutex_lock(&load_lock);
    watch_beat(); /* what others took is not this module's */
    atomic_store(&being_loaded, module);
    int r = module->path ? load_by_path(module, error) : load_by_name(module, error);
    if (r == 0 && (r = claim(module, error)) < 0)
        unload(module);
    atomic_store(&being_loaded, NULL);
    pthread_mutex_unlock(&load_lock);
    atomic_store(&module->loads, false);
    return r;
}

int module_start(struct module *module, struct p11_error *error)
{
    int r = 0;
    if (!module->fn)
        r = load(module, error);
    if (r == 0 && !module->initialized)
        r = initialize(module, error);
    return r;
}

int module_restart(struct module *module, struct p11_error *error)
{
    watch_beat();
    /* A device that is gone may answer anything: C_Initialize tells whether it is done. */
    if (module->fn && module->initialized)
        module->fn->C_Finalize(NULL);
    module->initialized = false;
    return module_start(module, error);
}

void module_shut(struct module *module)
{
    atomic_store(&module->shut, true);
    pthread_mutex_lock(&module->lock);
    while (atomic_load(&module->inside) > 0)
        pthread_cond_wait(&module->left, &module->lock);
    pthread_mutex_unlock(&module->lock);
}

void module_open(struct module *module)
{
    atomic_fetch_add(&module->generation, 1);
    atomic_store(&module->hangs, false);
    atomic_store(&module->shut, false);
}

/* Sequentially consistent on both sides: either the caller sees `shut`, or module_shut sees him
 * inside. */
uint64_t module_enter(struct module *module)
{
    atomic_fetch_add(&module->inside, 1);
    if (atomic_load(&module->shut) || atomic_load(&module->hangs)) {
        module_leave(module);
        return 0;
    }
    return atomic_load(&module->generation);
}

void module_leave(struct module *module)
{
    bool last = atomic_fetch_sub(&module->inside, 1) == 1;
    if ((last && atomic_load(&module->shut)) || atomic_load(&module->waiting) > 0) {
        pthread_mutex_lock(&module->lock);
        pthread_cond_broadcast(&module->left);
        pthread_mutex_unlock(&module->lock);
    }
}

bool module_is_full(const struct module *module)
{
    return atomic_load(&module->inside) > atomic_load(&module->room);
}

bool module_wait_for_room(struct module *module, int64_t deadline)
{
    struct timespec until = watch_timespec(deadline);
    int waited = 0;
    pthread_mutex_lock(&module->lock);
    atomic_fetch_add(&module->waiting, 1);
    while (atomic_load(&module->inside) >= atomic_load(&module->room) && waited == 0)
        waited = pthread_cond_clockwait(&module->left, &module->lock, CLOCK_MONOTONIC, &until);
    atomic_fetch_sub(&module->waiting, 1);
    pthread_mutex_unlock(&module->lock);
    return waited == 0;
}

bool module_take_turn(struct module *module, long ms)
{
    if (!module->one_caller)
        return true;
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_nsec += ms % 1000 * 1000000;
    deadline.tv_sec += ms / 1000 + deadline.tv_nsec / 1000000000;
    deadline.tv_nsec %= 1000000000;
    return pthread_mutex_timedlock(&module->turn, &deadline) == 0;
}

void module_end_turn(struct module *module)
{
    if (module->one_caller)
        pthread_mutex_unlock(&module->turn);
}
