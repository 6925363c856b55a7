/* A PKCS#11 module for tests: passes every call on to SoftHSM2 and misbehaves by script.
 *
 * FAULTY_MODULE is the real module, FAULTY_SCRIPT a file with one fault a line, which may change
 * while the module is in use:
 *
 *     FUNCTION RV N             the next N calls of FUNCTION return RV
 *     FUNCTION RV until OTHER   all calls return RV until OTHER is called
 *     FUNCTION wrong N          the next N calls succeed with the last byte of the result changed
 *     FUNCTION short N          ... with a result that is one byte too short
 *
 * Each call of a function that can fail so is noted in FAULTY_SCRIPT.calls, one name a line. */
#include "config.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FAULTS_MAX 16
#define NAME_SIZE  32

struct fault {
    char function[NAME_SIZE];
    char kind[NAME_SIZE]; /* a return value, "wrong" or "short" */
    char until[NAME_SIZE];
    long left; /* calls; -1 with `until` */
};

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST faulty;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fault faults[FAULTS_MAX];
static size_t fault_count;
static struct timespec script_time;

static void note(const char *function)
{
    char path[4096];
    const char *script = getenv("FAULTY_SCRIPT");
    snprintf(path, sizeof path, "%s.calls", script ? script : "/dev/null");
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0) {
        dprintf(fd, "%s\n", function);
        close(fd);
    }
}

static void parse(const char *line)
{
    char last[2][NAME_SIZE] = {"", ""};
    struct fault fault = {.left = -1};
    int words = sscanf(line, "%31s %31s %31s %31s", fault.function, fault.kind, last[0], last[1]);
    if (words < 3 || fault_count == FAULTS_MAX)
        return;
    if (strcmp(last[0], "until") == 0)
        memcpy(fault.until, last[1], sizeof fault.until);
    else
        fault.left = atol(last[0]);
    faults[fault_count++] = fault;
}

/* Reads the script again when it was replaced. */
static void read_script(void)
{
    struct stat st;
    char line[256];
    const char *path = getenv("FAULTY_SCRIPT");
    if (!path || stat(path, &st) < 0 ||
        (st.st_mtim.tv_sec == script_time.tv_sec && st.st_mtim.tv_nsec == script_time.tv_nsec))
        return;
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    script_time = st.st_mtim;
    fault_count = 0;
    while (fgets(line, sizeof line, file))
        parse(line);
    fclose(file);
}

/* Which fault this call has; `kind` stays "" where it has none. */
static void enter(const char *function, char kind[NAME_SIZE])
{
    kind[0] = '\0';
    pthread_mutex_lock(&lock);
    note(function);
    read_script();
    for (size_t i = 0; i < fault_count; i++) {
        struct fault *fault = &faults[i];
        if (strcmp(fault->until, function) == 0)
            fault->left = 0;
        if (kind[0] || fault->left == 0 || strcmp(fault->function, function) != 0)
            continue;
        fault->left -= fault->left > 0;
        memcpy(kind, fault->kind, NAME_SIZE);
    }
    pthread_mutex_unlock(&lock);
}

static bool fails(const char *kind, CK_RV *ret_rv)
{
    *ret_rv = strtoul(kind, NULL, 0);
    return *ret_rv != CKR_OK;
}

/* The calls that can fail: their parameters, and how they are passed on. */
#define WRAP(name, parameters, arguments)                                                          \
    static CK_RV faulty_##name parameters                                                          \
    {                                                                                              \
        char kind[NAME_SIZE];                                                                      \
        CK_RV rv;                                                                                  \
        enter(#name, kind);                                                                        \
        return fails(kind, &rv) ? rv : real->name arguments;                                       \
    }

WRAP(C_Initialize, (void *args), (args))
WRAP(C_Finalize, (void *reserved), (reserved))
WRAP(C_GetSlotList, (CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *count), (present, slots, count))
WRAP(C_GetTokenInfo, (CK_SLOT_ID slot, CK_TOKEN_INFO *info), (slot, info))
WRAP(C_OpenSession,
     (CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
      CK_SESSION_HANDLE *session),
     (slot, flags, application, notify, session))
WRAP(C_Login, (CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_BYTE *pin, CK_ULONG pin_len),
     (session, user, pin, pin_len))
WRAP(C_FindObjectsInit, (CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count),
     (session, template, count))
WRAP(C_FindObjects,
     (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG max, CK_ULONG *count),
     (session, objects, max, count))
WRAP(C_GetAttributeValue,
     (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG count),
     (session, object, template, count))
WRAP(C_SignInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key),
     (session, mechanism, key))

static CK_RV faulty_C_Sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len,
                           CK_BYTE *signature, CK_ULONG *signature_len)
{
    char kind[NAME_SIZE];
    CK_RV rv;
    enter("C_Sign", kind);
    if (fails(kind, &rv))
        return rv;
    rv = real->C_Sign(session, data, data_len, signature, signature_len);
    if (rv == CKR_OK && strcmp(kind, "wrong") == 0)
        signature[*signature_len - 1] ^= 1;
    if (rv == CKR_OK && strcmp(kind, "short") == 0)
        --*signature_len;
    return rv;
}

static bool load(void)
{
    const char *path = getenv("FAULTY_MODULE");
    void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    CK_C_GetFunctionList get = NULL;
    if (library)
        *(void **)&get = dlsym(library, "C_GetFunctionList");
    return get && get(&real) == CKR_OK;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    if (!real && !load())
        return CKR_GENERAL_ERROR;
    faulty = *real;
    faulty.C_GetFunctionList = C_GetFunctionList;
    faulty.C_Initialize = faulty_C_Initialize;
    faulty.C_Finalize = faulty_C_Finalize;
    faulty.C_GetSlotList = faulty_C_GetSlotList;
    faulty.C_GetTokenInfo = faulty_C_GetTokenInfo;
    faulty.C_OpenSession = faulty_C_OpenSession;
    faulty.C_Login = faulty_C_Login;
    faulty.C_FindObjectsInit = faulty_C_FindObjectsInit;
    faulty.C_FindObjects = faulty_C_FindObjects;
    faulty.C_GetAttributeValue = faulty_C_GetAttributeValue;
    faulty.C_SignInit = faulty_C_SignInit;
    faulty.C_Sign = faulty_C_Sign;
    *list = &faulty;
    return CKR_OK;
}
