/* Names every CK_RV and says how far recovery must go after it. */
#include "config.h"
#include "pkcs11/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct rv_row {
    CK_RV rv;
    const char *name;
    enum p11_rung rung;
};

#define ROW(rv, rung)                                                                              \
    {                                                                                              \
        rv, #rv, P11_RUNG_##rung                                                                   \
    }
static const struct rv_row rows[] = {
    ROW(CKR_OK, NONE),
    ROW(CKR_CANCEL, NONE),
    ROW(CKR_HOST_MEMORY, SESSION),
    ROW(CKR_SLOT_ID_INVALID, MODULE),
    ROW(CKR_GENERAL_ERROR, SESSION),
    ROW(CKR_FUNCTION_FAILED, SESSION),
    ROW(CKR_ARGUMENTS_BAD, NONE),
    ROW(CKR_NO_EVENT, NONE),
    ROW(CKR_NEED_TO_CREATE_THREADS, NONE),
    ROW(CKR_CANT_LOCK, NONE),
    ROW(CKR_ATTRIBUTE_READ_ONLY, NONE),
    ROW(CKR_ATTRIBUTE_SENSITIVE, NONE),
    ROW(CKR_ATTRIBUTE_TYPE_INVALID, NONE),
    ROW(CKR_ATTRIBUTE_VALUE_INVALID, NONE),
    ROW(CKR_ACTION_PROHIBITED, NONE),
    ROW(CKR_DATA_INVALID, NONE),
    ROW(CKR_DATA_LEN_RANGE, NONE),
    ROW(CKR_DEVICE_ERROR, MODULE),
    ROW(CKR_DEVICE_MEMORY, SESSION),
    ROW(CKR_DEVICE_REMOVED, MODULE),
    ROW(CKR_ENCRYPTED_DATA_INVALID, NONE),
    ROW(CKR_ENCRYPTED_DATA_LEN_RANGE, NONE),
    ROW(CKR_FUNCTION_CANCELED, SESSION),
    ROW(CKR_FUNCTION_NOT_PARALLEL, NONE),
    ROW(CKR_FUNCTION_NOT_SUPPORTED, NONE),
    ROW(CKR_KEY_HANDLE_INVALID, LOGIN),
    ROW(CKR_KEY_SIZE_RANGE, NONE),
    ROW(CKR_KEY_TYPE_INCONSISTENT, NONE),
    ROW(CKR_KEY_NOT_NEEDED, NONE),
    ROW(CKR_KEY_CHANGED, NONE),
    ROW(CKR_KEY_NEEDED, NONE),
    ROW(CKR_KEY_INDIGESTIBLE, NONE),
    ROW(CKR_KEY_FUNCTION_NOT_PERMITTED, NONE),
    ROW(CKR_KEY_NOT_WRAPPABLE, NONE),
    ROW(CKR_KEY_UNEXTRACTABLE, NONE),
    ROW(CKR_MECHANISM_INVALID, NONE),
    ROW(CKR_MECHANISM_PARAM_INVALID, NONE),
    ROW(CKR_OBJECT_HANDLE_INVALID, LOGIN),
    ROW(CKR_OPERATION_ACTIVE, SESSION),
    ROW(CKR_OPERATION_NOT_INITIALIZED, SESSION),
    ROW(CKR_PIN_INCORRECT, NONE),
    ROW(CKR_PIN_INVALID, NONE),
    ROW(CKR_PIN_LEN_RANGE, NONE),
    ROW(CKR_PIN_EXPIRED, NONE),
    ROW(CKR_PIN_LOCKED, NONE),
    ROW(CKR_SESSION_CLOSED, SESSION),
    ROW(CKR_SESSION_COUNT, NONE),
    ROW(CKR_SESSION_HANDLE_INVALID, SESSION),
    ROW(CKR_SESSION_PARALLEL_NOT_SUPPORTED, NONE),
    ROW(CKR_SESSION_READ_ONLY, NONE),
    ROW(CKR_SESSION_EXISTS, NONE),
    ROW(CKR_SESSION_READ_ONLY_EXISTS, NONE),
    ROW(CKR_SESSION_READ_WRITE_SO_EXISTS, NONE),
    ROW(CKR_SIGNATURE_INVALID, NONE),
    ROW(CKR_SIGNATURE_LEN_RANGE, NONE),
    ROW(CKR_TEMPLATE_INCOMPLETE, NONE),
    ROW(CKR_TEMPLATE_INCONSISTENT, NONE),
    ROW(CKR_TOKEN_NOT_PRESENT, MODULE),
    ROW(CKR_TOKEN_NOT_RECOGNIZED, MODULE),
    ROW(CKR_TOKEN_WRITE_PROTECTED, NONE),
    ROW(CKR_UNWRAPPING_KEY_SIZE_RANGE, NONE),
    ROW(CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT, NONE),
    ROW(CKR_USER_ALREADY_LOGGED_IN, NONE),
    ROW(CKR_USER_NOT_LOGGED_IN, LOGIN),
    ROW(CKR_USER_PIN_NOT_INITIALIZED, NONE),
    ROW(CKR_USER_TYPE_INVALID, NONE),
    ROW(CKR_USER_ANOTHER_ALREADY_LOGGED_IN, NONE),
    ROW(CKR_USER_TOO_MANY_TYPES, NONE),
    ROW(CKR_WRAPPED_KEY_INVALID, NONE),
    ROW(CKR_WRAPPED_KEY_LEN_RANGE, NONE),
    ROW(CKR_WRAPPING_KEY_HANDLE_INVALID, NONE),
    ROW(CKR_WRAPPING_KEY_SIZE_RANGE, NONE),
    ROW(CKR_WRAPPING_KEY_TYPE_INCONSISTENT, NONE),
    ROW(CKR_RANDOM_SEED_NOT_SUPPORTED, NONE),
    ROW(CKR_RANDOM_NO_RNG, NONE),
    ROW(CKR_DOMAIN_PARAMS_INVALID, NONE),
    ROW(CKR_CURVE_NOT_SUPPORTED, NONE),
    ROW(CKR_BUFFER_TOO_SMALL, NONE),
    ROW(CKR_SAVED_STATE_INVALID, NONE),
    ROW(CKR_INFORMATION_SENSITIVE, NONE),
    ROW(CKR_STATE_UNSAVEABLE, NONE),
    ROW(CKR_CRYPTOKI_NOT_INITIALIZED, MODULE),
    ROW(CKR_CRYPTOKI_ALREADY_INITIALIZED, NONE),
    ROW(CKR_MUTEX_BAD, NONE),
    ROW(CKR_MUTEX_NOT_LOCKED, NONE),
    ROW(CKR_NEW_PIN_MODE, NONE),
    ROW(CKR_NEXT_OTP, NONE),
    ROW(CKR_EXCEEDED_MAX_ITERATIONS, NONE),
    ROW(CKR_FIPS_SELF_TEST_FAILED, MODULE),
    ROW(CKR_LIBRARY_LOAD_FAILED, NONE),
    ROW(CKR_PIN_TOO_WEAK, NONE),
    ROW(CKR_PUBLIC_KEY_INVALID, NONE),
    ROW(CKR_FUNCTION_REJECTED, NONE),
};

static const struct rv_row *find_row(CK_RV rv)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].rv == rv)
            return &rows[i];
    return NULL;
}

const char *p11_rv_name(CK_RV rv)
{
    const struct rv_row *row = find_row(rv);
    return row ? row->name : NULL;
}

const char *p11_rung_name(enum p11_rung rung)
{
    static const char *const names[P11_RUNGS] = {"none", "session", "login", "module", "process"};
    return names[rung];
}

enum p11_rung p11_rv_rung(CK_RV rv)
{
    const struct rv_row *row = find_row(rv);
    /* A vendor's own code says nothing that we understand: try the cheapest remedy. */
    return row ? row->rung : P11_RUNG_SESSION;
}

bool p11_rv_may_be_object(CK_RV rv)
{
    return rv == CKR_GENERAL_ERROR || rv == CKR_FUNCTION_FAILED || !find_row(rv);
}

struct p11_error *p11_error_set_call(struct p11_error *error, int code, const char *call, CK_RV rv)
{
    *error = (struct p11_error){.code = code, .rv = rv, .call = call};
    return error;
}

struct p11_error *p11_error_set_text(struct p11_error *error, int code, const char *format, ...)
{
    *error = (struct p11_error){.code = code};
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return error;
}

const char *p11_error_describe(const struct p11_error *error, char *buffer, size_t size)
{
    if (!error->call) {
        snprintf(buffer, size, "%s", error->text);
        return buffer;
    }
    const char *name = p11_rv_name(error->rv);
    if (name)
        snprintf(buffer, size, "%s: %s", error->call, name);
    else
        snprintf(buffer, size, "%s: CK_RV 0x%08lx", error->call, (unsigned long)error->rv);
    return buffer;
}
