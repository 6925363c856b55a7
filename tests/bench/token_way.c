/* Signatures from a PKCS #11 module in this process: the yardstick, and p11-kit's client. */
#include "config.h"
#include "tests/bench/way.h"

#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_MAX     64
#define SIGNATURE_MAX 512
#define PIN_MAX       64
#define HASH_BYTES    32 /* of SHA-256 */

static const struct algorithm {
    const char *name;
    CK_MECHANISM_TYPE mechanism;
    CK_OBJECT_CLASS class;
    size_t input; /* bytes that the token is given */
} algorithms[] = {
    {"HS256", CKM_SHA256_HMAC, CKO_SECRET_KEY, WAY_INPUT_BYTES},
    {"ES256", CKM_ECDSA, CKO_PRIVATE_KEY, HASH_BYTES},
    {"RS256", CKM_SHA256_RSA_PKCS, CKO_PRIVATE_KEY, WAY_INPUT_BYTES},
};

struct session {
    CK_SESSION_HANDLE handle;
    CK_OBJECT_HANDLE key;
};

static CK_FUNCTION_LIST *fn;
static const struct algorithm *algorithm;
static const char *label;
static CK_SLOT_ID slot;

static void check(CK_RV rv, const char *call)
{
    if (rv == CKR_OK)
        return;
    fprintf(stderr, "%s: 0x%lx\n", call, rv);
    exit(1);
}

static CK_SLOT_ID find_token(const char *token)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    CK_TOKEN_INFO info;
    check(fn->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList");
    for (CK_ULONG i = 0; i < count; i++) {
        check(fn->C_GetTokenInfo(slots[i], &info), "C_GetTokenInfo");
        if (strncmp((const char *)info.label, token, strlen(token)) == 0)
            return slots[i];
    }
    way_fail("no such token");
}

static CK_SESSION_HANDLE open_session(void)
{
    CK_SESSION_HANDLE session;
    check(fn->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session), "C_OpenSession");
    return session;
}

static void log_in(const char *pin_file)
{
    char pin[PIN_MAX] = "";
    FILE *file = fopen(pin_file, "re");
    if (!file || !fgets(pin, sizeof pin, file))
        way_fail(pin_file);
    fclose(file);
    pin[strcspn(pin, "\n")] = '\0';
    check(fn->C_Login(open_session(), CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin)), "C_Login");
}

static void prepare(char **arguments)
{
    CK_C_INITIALIZE_ARGS locking = {.flags = CKF_OS_LOCKING_OK};
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++)
        if (strcmp(algorithms[i].name, arguments[4]) == 0)
            algorithm = &algorithms[i];
    fn = p11_kit_module_load(arguments[0], P11_KIT_MODULE_UNMANAGED);
    if (!fn || !algorithm)
        way_fail(arguments[fn ? 4 : 0]);
    check(fn->C_Initialize(&locking), "C_Initialize");
    slot = find_token(arguments[1]);
    log_in(arguments[2]);
    label = arguments[3];
}

static CK_OBJECT_HANDLE find_key(CK_SESSION_HANDLE session)
{
    CK_OBJECT_CLASS class = algorithm->class;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
                               {CKA_LABEL, (void *)label, strlen(label)}};
    CK_OBJECT_HANDLE key;
    CK_ULONG count = 0;
    check(fn->C_FindObjectsInit(session, template, 2), "C_FindObjectsInit");
    check(fn->C_FindObjects(session, &key, 1, &count), "C_FindObjects");
    check(fn->C_FindObjectsFinal(session), "C_FindObjectsFinal");
    if (count == 0)
        way_fail(label);
    return key;
}

static void *open_token(unsigned thread, size_t depth)
{
    (void)thread, (void)depth;
    struct session *session = malloc(sizeof *session);
    if (!session)
        way_fail("memory");
    session->handle = open_session();
    session->key = find_key(session->handle);
    return session;
}

static void run(void *connection, size_t depth)
{
    static CK_BYTE input[WAY_INPUT_BYTES];
    const struct session *session = connection;
    CK_MECHANISM mechanism = {algorithm->mechanism, NULL, 0};
    for (size_t i = 0; i < depth; i++) {
        CK_BYTE signature[SIGNATURE_MAX];
        CK_ULONG length = sizeof signature;
        check(fn->C_SignInit(session->handle, &mechanism, session->key), "C_SignInit");
        check(fn->C_Sign(session->handle, input, algorithm->input, signature, &length), "C_Sign");
    }
}

const struct way way_token = {
    "token", "MODULE TOKEN PIN-FILE KEY ALGORITHM", 5, prepare, open_token, run};
