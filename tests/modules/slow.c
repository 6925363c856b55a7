/* SoftHSM2 as a token across a network: each C_Sign takes SLOW_SIGN_US microseconds longer, or
 * something between the two of "LEAST-MOST". SLOW_MODULE is the real module. */
#include "config.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST slow;
static long least, most; /* microseconds */

static long delay(void)
{
    static __thread unsigned seed;
    if (!seed)
        seed = (unsigned)(size_t)&seed;
    return most > least ? least + rand_r(&seed) % (most - least + 1) : least;
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len,
                  CK_BYTE_PTR signature, CK_ULONG_PTR signature_len)
{
    long us = delay();
    struct timespec time = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&time, NULL);
    return real->C_Sign(session, data, data_len, signature, signature_len);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list)
{
    const char *path = getenv("SLOW_MODULE"), *us = getenv("SLOW_SIGN_US");
    void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    CK_C_GetFunctionList get =
        library ? (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList") : NULL;
    if (!get || get(&real) != CKR_OK || !us)
        return CKR_GENERAL_ERROR;
    if (sscanf(us, "%ld-%ld", &least, &most) < 2)
        most = least;
    slow = *real;
    slow.C_Sign = sign;
    *list = &slow;
    return CKR_OK;
}
