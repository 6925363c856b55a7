/* A PKCS#11 module for tests: SoftHSM2 (LONELY_MODULE) as one that cannot lock, and says so unless
 * LONELY_BOASTS is set. It ends the process when two threads are inside at once. */
#include "config.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STAY_NS 10000 /* so that others have time to meet */

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST lonely;
static atomic_int inside;

static void enter(const char *call)
{
    struct timespec stay = {.tv_nsec = STAY_NS};
    if (atomic_fetch_add(&inside, 1) > 0) {
        fprintf(stderr, "%s: another thread is in the module\n", call);
        abort();
    }
    nanosleep(&stay, NULL);
}

#define GUARD(name, parameters, arguments)                                                         \
    static CK_RV alone_##name parameters                                                           \
    {                                                                                              \
        enter(#name);                                                                              \
        CK_RV rv = real->name arguments;                                                           \
        atomic_fetch_sub(&inside, 1);                                                              \
        return rv;                                                                                 \
    }

GUARD(C_GetSlotList, (CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *count),
      (present, slots, count))
GUARD(C_GetTokenInfo, (CK_SLOT_ID slot, CK_TOKEN_INFO *info), (slot, info))
GUARD(C_OpenSession,
      (CK_SLOT_ID slot, CK_FLAGS flags, void *data, CK_NOTIFY notify, CK_SESSION_HANDLE *session),
      (slot, flags, data, notify, session))
GUARD(C_CloseSession, (CK_SESSION_HANDLE session), (session))
GUARD(C_Login, (CK_SESSION_HANDLE session, CK_USER_TYPE type, CK_BYTE *pin, CK_ULONG length),
      (session, type, pin, length))
GUARD(C_FindObjectsInit, (CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count),
      (session, template, count))
GUARD(C_FindObjects,
      (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG max, CK_ULONG *count),
      (session, objects, max, count))
GUARD(C_FindObjectsFinal, (CK_SESSION_HANDLE session), (session))
GUARD(C_GetAttributeValue,
      (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG count),
      (session, object, template, count))
GUARD(C_SignInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key),
      (session, mechanism, key))
GUARD(C_Sign,
      (CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length, CK_BYTE *signature,
       CK_ULONG *size),
      (session, data, length, signature, size))

static CK_RV alone_C_Initialize(void *arguments)
{
    const CK_C_INITIALIZE_ARGS *wanted = arguments;
    if (wanted && wanted->flags & CKF_OS_LOCKING_OK && !getenv("LONELY_BOASTS"))
        return CKR_CANT_LOCK;
    return real->C_Initialize(arguments);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **ret_list)
{
    CK_RV (*get)(CK_FUNCTION_LIST **);
    void *module = dlopen(getenv("LONELY_MODULE"), RTLD_NOW | RTLD_LOCAL);
    if (!module)
        return CKR_GENERAL_ERROR;
    *(void **)&get = dlsym(module, "C_GetFunctionList");
    CK_RV rv = get(&real);
    if (rv != CKR_OK)
        return rv;
    lonely = *real;
    lonely.C_Initialize = alone_C_Initialize;
    lonely.C_GetSlotList = alone_C_GetSlotList;
    lonely.C_GetTokenInfo = alone_C_GetTokenInfo;
    lonely.C_OpenSession = alone_C_OpenSession;
    lonely.C_CloseSession = alone_C_CloseSession;
    lonely.C_Login = alone_C_Login;
    lonely.C_FindObjectsInit = alone_C_FindObjectsInit;
    lonely.C_FindObjects = alone_C_FindObjects;
    lonely.C_FindObjectsFinal = alone_C_FindObjectsFinal;
    lonely.C_GetAttributeValue = alone_C_GetAttributeValue;
    lonely.C_SignInit = alone_C_SignInit;
    lonely.C_Sign = alone_C_Sign;
    *ret_list = &lonely;
    return CKR_OK;
}
