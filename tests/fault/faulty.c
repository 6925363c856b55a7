/* A PKCS#11 module for tests: passes every call on to SoftHSM2 and misbehaves by script.
 *
 * FAULTY_MODULE is the real module, FAULTY_SCRIPT a file with one fault a line, which may change
 * while the module is in use:
 *
 *     FUNCTION RV N             the next N calls of FUNCTION return RV; C_GetFunctionList
 *                               is called when the module is loaded
 *     FUNCTION RV until OTHER   all calls return RV until OTHER is called
 *     * RV until OTHER          ... those of every function of the loaded module
 *     FUNCTION wrong N          the next N calls succeed with the last byte of the result changed
 *     FUNCTION wrong N BYTES    ... where that has so many bytes
 *     FUNCTION short N          ... with a result that is one byte too short
 *     FUNCTION long N           ... with one that is a byte too long
 *     FUNCTION slow N MS        the next N calls take MS milliseconds
 *     C_FindObjects none N      the next N calls find nothing
 *     FUNCTION hang N           the next N calls hang until the script changes, and go on as it
 *                               says then; none hangs twice
 *     sessions K                no more than K sessions are open at once
 *     one-session               ... only one, and C_GetTokenInfo says so
 *     handles-change            an object's handle is another's after each C_Initialize
 *     raw-points                CKA_EC_POINT is not wrapped into an OCTET STRING
 *     refuse MECHANISM          C_SignInit does not take it
 *     token-flags FLAGS         C_GetTokenInfo sets them, too
 *     absent                    there is no token
 *     chatter                   each call prints to standard output
 *     spare-login               signatures in the session that has logged in are sound
 *
 * Each call of a function that can fail so is noted in FAULTY_SCRIPT.calls, one name a line;
 * FAULTY_SCRIPT.sessions says how many sessions are open. */
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
#include <time.h>
#include <unistd.h>

#define FAULTS_MAX   16
#define NAME_SIZE    32
#define HANDLES_MAX  256
#define FIRST_HANDLE 1000
#define LOOK_NS      5000000 /* a call that hangs looks for a new script */

struct fault {
    char function[NAME_SIZE];
    char kind[NAME_SIZE]; /* a return value, or a word from above */
    char until[NAME_SIZE];
    long left; /* calls; -1 with `until` */
    long number;
};

/* What a call has: kind "" is none. */
struct ailment {
    char kind[NAME_SIZE];
    long number; /* MS or BYTES */
};

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST faulty;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all below */
static struct fault faults[FAULTS_MAX];
static size_t fault_count;
static struct timespec script_time;
static unsigned script_number;
static unsigned long open_sessions;
static unsigned initialized; /* calls */
static bool disguised;       /* handles, since the last of them */
static CK_SESSION_HANDLE login_session;
static CK_OBJECT_HANDLE handles[HANDLES_MAX];
static size_t handle_count;

static int open_beside_script(const char *what, int flags)
{
    char path[4096];
    const char *script = getenv("FAULTY_SCRIPT");
    snprintf(path, sizeof path, "%s.%s", script ? script : "/dev/null", what);
    return open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
}

static void note(const char *function)
{
    int fd = open_beside_script("calls", O_APPEND);
    if (fd >= 0) {
        dprintf(fd, "%s\n", function);
        close(fd);
    }
}

/* With the lock held. As long as before, so that a reader never meets half of it. */
static void count_sessions(unsigned long count)
{
    open_sessions = count;
    int fd = open_beside_script("sessions", 0);
    if (fd >= 0) {
        dprintf(fd, "%6lu\n", count);
        close(fd);
    }
}

static void parse(const char *line)
{
    char last[2][NAME_SIZE] = {"", ""};
    struct fault fault = {.left = -1};
    int words = sscanf(line, "%31s %31s %31s %31s", fault.function, fault.kind, last[0], last[1]);
    if (words < 1 || fault_count == FAULTS_MAX)
        return;
    if (strcmp(last[0], "until") == 0)
        memcpy(fault.until, last[1], sizeof fault.until);
    else
        fault.left = atol(last[0]);
    fault.number = atol(last[1]);
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
    script_number++;
    fault_count = 0;
    while (fgets(line, sizeof line, file))
        parse(line);
    fclose(file);
}

/* The word behind this one, "" where there is none; NULL: the script does not have it. */
static const char *habit(const char *word)
{
    for (size_t i = 0; i < fault_count; i++)
        if (strcmp(faults[i].function, word) == 0)
            return faults[i].kind;
    return NULL;
}

static void nap(long ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* Returns with a script that is not this one. */
static void hang(unsigned number)
{
    struct timespec time = {0, LOOK_NS};
    unsigned now;
    do {
        nanosleep(&time, NULL);
        pthread_mutex_lock(&lock);
        read_script();
        now = script_number;
        pthread_mutex_unlock(&lock);
    } while (now == number);
}

static bool concerns(const struct fault *fault, const char *function)
{
    return fault->left != 0 &&
           (strcmp(fault->function, function) == 0 ||
            (strcmp(fault->function, "*") == 0 && strcmp(function, "C_GetFunctionList") != 0));
}

/* With the lock held. */
static struct ailment find_ailment(const char *function)
{
    struct ailment ailment = {.kind = ""};
    for (size_t i = 0; i < fault_count; i++) {
        struct fault *fault = &faults[i];
        if (strcmp(fault->until, function) == 0)
            fault->left = 0;
        if (ailment.kind[0] || !concerns(fault, function))
            continue;
        fault->left -= fault->left > 0;
        memcpy(ailment.kind, fault->kind, NAME_SIZE);
        ailment.number = fault->number;
    }
    return ailment;
}

/* Which fault this call has. One that is slow or hangs does so here. */
static struct ailment enter(const char *function)
{
    pthread_mutex_lock(&lock);
    note(function);
    read_script();
    struct ailment ailment = find_ailment(function);
    unsigned number = script_number;
    bool chatters = habit("chatter");
    pthread_mutex_unlock(&lock);
    if (chatters) {
        printf("%s\n", function);
        fflush(stdout);
    }
    if (strcmp(ailment.kind, "hang") == 0) {
        hang(number);
        pthread_mutex_lock(&lock);
        ailment = find_ailment(function);
        pthread_mutex_unlock(&lock);
    }
    if (strcmp(ailment.kind, "slow") == 0)
        nap(ailment.number);
    return ailment;
}

static CK_RV begin(const char *function)
{
    struct ailment ailment = enter(function);
    return strtoul(ailment.kind, NULL, 0);
}

static CK_RV faulty_C_FindObjectsInit(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template,
                                      CK_ULONG count)
{
    CK_RV rv = begin("C_FindObjectsInit");
    return rv != CKR_OK ? rv : real->C_FindObjectsInit(session, template, count);
}

static CK_RV faulty_C_Login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_BYTE *pin,
                            CK_ULONG pin_len)
{
    CK_RV rv = begin("C_Login");
    pthread_mutex_lock(&lock);
    login_session = session;
    pthread_mutex_unlock(&lock);
    return rv != CKR_OK ? rv : real->C_Login(session, user, pin, pin_len);
}

static bool is_spared(CK_SESSION_HANDLE session)
{
    pthread_mutex_lock(&lock);
    read_script();
    bool spared = session == login_session && habit("spare-login");
    pthread_mutex_unlock(&lock);
    return spared;
}

static CK_RV faulty_C_Initialize(void *args)
{
    CK_RV rv = begin("C_Initialize");
    if (rv == CKR_OK)
        rv = real->C_Initialize(args);
    if (rv != CKR_OK)
        return rv;
    pthread_mutex_lock(&lock);
    initialized++;
    handle_count = 0;
    disguised = habit("handles-change");
    count_sessions(0);
    pthread_mutex_unlock(&lock);
    return CKR_OK;
}

static CK_RV faulty_C_Finalize(void *reserved)
{
    CK_RV rv = begin("C_Finalize");
    return rv != CKR_OK ? rv : real->C_Finalize(reserved);
}

static bool has_habit(const char *word)
{
    pthread_mutex_lock(&lock);
    bool has = habit(word);
    pthread_mutex_unlock(&lock);
    return has;
}

static unsigned long habit_number(const char *word, unsigned long otherwise)
{
    pthread_mutex_lock(&lock);
    const char *text = habit(word);
    unsigned long number = text ? strtoul(text, NULL, 0) : otherwise;
    pthread_mutex_unlock(&lock);
    return number;
}

static CK_RV faulty_C_GetSlotList(CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *count)
{
    CK_RV rv = begin("C_GetSlotList");
    if (rv == CKR_OK)
        rv = real->C_GetSlotList(present, slots, count);
    if (rv == CKR_OK && has_habit("absent"))
        *count = 0;
    return rv;
}

static CK_RV faulty_C_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    CK_RV rv = begin("C_GetTokenInfo");
    if (rv == CKR_OK)
        rv = real->C_GetTokenInfo(slot, info);
    if (rv != CKR_OK)
        return rv;
    info->flags |= habit_number("token-flags", 0);
    if (has_habit("one-session"))
        info->ulMaxSessionCount = 1;
    return CKR_OK;
}

static CK_RV faulty_C_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, void *application,
                                  CK_NOTIFY notify, CK_SESSION_HANDLE *session)
{
    CK_RV rv = begin("C_OpenSession");
    if (rv != CKR_OK)
        return rv;
    unsigned long most = has_habit("one-session") ? 1 : habit_number("sessions", (unsigned long)-1);
    pthread_mutex_lock(&lock);
    bool room = open_sessions < most;
    rv = room ? real->C_OpenSession(slot, flags, application, notify, session) : CKR_SESSION_COUNT;
    if (rv == CKR_OK)
        count_sessions(open_sessions + 1);
    pthread_mutex_unlock(&lock);
    return rv;
}

static CK_RV faulty_C_CloseSession(CK_SESSION_HANDLE session)
{
    CK_RV rv = begin("C_CloseSession");
    if (rv == CKR_OK)
        rv = real->C_CloseSession(session);
    pthread_mutex_lock(&lock);
    if (rv == CKR_OK)
        count_sessions(open_sessions - 1);
    pthread_mutex_unlock(&lock);
    return rv;
}

static CK_RV faulty_C_CloseAllSessions(CK_SLOT_ID slot)
{
    CK_RV rv = begin("C_CloseAllSessions");
    if (rv == CKR_OK)
        rv = real->C_CloseAllSessions(slot);
    pthread_mutex_lock(&lock);
    if (rv == CKR_OK)
        count_sessions(0);
    pthread_mutex_unlock(&lock);
    return rv;
}

/* Handles as the caller knows them: neighbours change places with every initialisation. With the
 * lock held. */
static CK_OBJECT_HANDLE disguise(CK_OBJECT_HANDLE handle)
{
    size_t i = 0;
    while (i < handle_count && handles[i] != handle)
        i++;
    if (i == HANDLES_MAX)
        return handle;
    if (i == handle_count)
        handles[handle_count++] = handle;
    return FIRST_HANDLE + (i ^ (initialized & 1));
}

static CK_OBJECT_HANDLE undisguise(CK_OBJECT_HANDLE handle)
{
    pthread_mutex_lock(&lock);
    size_t i = (handle - FIRST_HANDLE) ^ (initialized & 1);
    if (disguised)
        handle = handle >= FIRST_HANDLE && i < handle_count ? handles[i] : CK_INVALID_HANDLE;
    pthread_mutex_unlock(&lock);
    return handle;
}

static CK_RV faulty_C_FindObjects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects,
                                  CK_ULONG max, CK_ULONG *count)
{
    struct ailment ailment = enter("C_FindObjects");
    CK_RV rv = strtoul(ailment.kind, NULL, 0);
    if (rv == CKR_OK)
        rv = real->C_FindObjects(session, objects, max, count);
    if (strcmp(ailment.kind, "none") == 0)
        *count = 0;
    pthread_mutex_lock(&lock);
    if (rv == CKR_OK && disguised)
        for (CK_ULONG i = 0; i < *count; i++)
            objects[i] = disguise(objects[i]);
    pthread_mutex_unlock(&lock);
    return rv;
}

static void unwrap_point(CK_ATTRIBUTE *attribute)
{
    CK_BYTE *value = attribute->pValue;
    CK_ULONG header = attribute->ulValueLen > 129 ? 3 : 2;
    if (!value || attribute->ulValueLen == CK_UNAVAILABLE_INFORMATION ||
        attribute->ulValueLen <= header)
        return;
    attribute->ulValueLen -= header;
    memmove(value, value + header, attribute->ulValueLen);
}

static CK_RV faulty_C_GetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                                        CK_ATTRIBUTE *template, CK_ULONG count)
{
    CK_RV rv = begin("C_GetAttributeValue");
    if (rv == CKR_OK)
        rv = real->C_GetAttributeValue(session, undisguise(object), template, count);
    for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++)
        if (template[i].type == CKA_EC_POINT && has_habit("raw-points"))
            unwrap_point(&template[i]);
    return rv;
}

static CK_RV faulty_C_SignInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
                               CK_OBJECT_HANDLE key)
{
    CK_RV rv = is_spared(session) ? CKR_OK : begin("C_SignInit");
    if (rv == CKR_OK && mechanism->mechanism == habit_number("refuse", (unsigned long)-1))
        rv = CKR_MECHANISM_INVALID;
    return rv != CKR_OK ? rv : real->C_SignInit(session, mechanism, undisguise(key));
}

static CK_RV faulty_C_Sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len,
                           CK_BYTE *signature, CK_ULONG *signature_len)
{
    struct ailment ailment = {.kind = ""};
    if (!is_spared(session))
        ailment = enter("C_Sign");
    CK_RV rv = strtoul(ailment.kind, NULL, 0);
    if (rv == CKR_DATA_INVALID || rv == CKR_DATA_LEN_RANGE)
        real->C_Sign(session, data, data_len, signature, signature_len); /* ends the operation */
    if (rv != CKR_OK)
        return rv;
    rv = real->C_Sign(session, data, data_len, signature, signature_len);
    if (rv != CKR_OK)
        return rv;
    if (strcmp(ailment.kind, "wrong") == 0 &&
        (ailment.number == 0 || *signature_len == (CK_ULONG)ailment.number))
        signature[*signature_len - 1] ^= 1;
    if (strcmp(ailment.kind, "short") == 0)
        --*signature_len;
    if (strcmp(ailment.kind, "long") == 0)
        signature[(*signature_len)++] = 0;
    return CKR_OK;
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
    CK_RV rv = begin("C_GetFunctionList");
    if (rv != CKR_OK)
        return rv;
    if (!real && !load())
        return CKR_GENERAL_ERROR;
    faulty = *real;
    faulty.C_GetFunctionList = C_GetFunctionList;
    faulty.C_Initialize = faulty_C_Initialize;
    faulty.C_Finalize = faulty_C_Finalize;
    faulty.C_GetSlotList = faulty_C_GetSlotList;
    faulty.C_GetTokenInfo = faulty_C_GetTokenInfo;
    faulty.C_OpenSession = faulty_C_OpenSession;
    faulty.C_CloseSession = faulty_C_CloseSession;
    faulty.C_CloseAllSessions = faulty_C_CloseAllSessions;
    faulty.C_Login = faulty_C_Login;
    faulty.C_FindObjectsInit = faulty_C_FindObjectsInit;
    faulty.C_FindObjects = faulty_C_FindObjects;
    faulty.C_GetAttributeValue = faulty_C_GetAttributeValue;
    faulty.C_SignInit = faulty_C_SignInit;
    faulty.C_Sign = faulty_C_Sign;
    *list = &faulty;
    return CKR_OK;
}
