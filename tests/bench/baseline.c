/* The yardstick for the agent's start: what a token takes for one pass over its keys.
 *
 *   baseline MODULE TOKEN-LABEL PIN-FILE
 *
 * Initialises the module, logs in, enumerates all objects, reads 14 attributes of each and makes
 * one MAC with each HMAC key; prints the number of keys and the milliseconds since main. */
#include "config.h"

#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLOTS_MAX   64
#define OBJECTS_MAX 100000
#define FIND_BATCH  512
#define MAC_MAX     64

static CK_FUNCTION_LIST *fn;
static CK_OBJECT_HANDLE objects[OBJECTS_MAX];

static void check(CK_RV rv, const char *call)
{
    if (rv == CKR_OK)
        return;
    fprintf(stderr, "%s: 0x%lx\n", call, rv);
    exit(1);
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

static CK_SLOT_ID find_token(const char *label)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    check(fn->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList");
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info;
        check(fn->C_GetTokenInfo(slots[i], &info), "C_GetTokenInfo");
        if (strncmp((const char *)info.label, label, strlen(label)) == 0)
            return slots[i];
    }
    fprintf(stderr, "%s: no such token\n", label);
    exit(1);
}

static CK_SESSION_HANDLE open_session(const char *label, const char *pin_file)
{
    char pin[64] = "";
    FILE *file = fopen(pin_file, "re");
    if (!file || !fgets(pin, sizeof pin, file))
        exit(1);
    fclose(file);
    pin[strcspn(pin, "\n")] = '\0';
    CK_SESSION_HANDLE session;
    check(fn->C_OpenSession(find_token(label), CKF_SERIAL_SESSION, NULL, NULL, &session),
          "C_OpenSession");
    check(fn->C_Login(session, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin)), "C_Login");
    return session;
}

static CK_ULONG enumerate(CK_SESSION_HANDLE session)
{
    CK_ULONG count = 0, found;
    check(fn->C_FindObjectsInit(session, NULL, 0), "C_FindObjectsInit");
    do {
        check(fn->C_FindObjects(session, objects + count, FIND_BATCH, &found), "C_FindObjects");
        count += found;
    } while (found > 0 && count + FIND_BATCH <= OBJECTS_MAX);
    check(fn->C_FindObjectsFinal(session), "C_FindObjectsFinal");
    return count;
}

static CK_OBJECT_CLASS read_attributes(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
    CK_OBJECT_CLASS class = 0;
    CK_KEY_TYPE type;
    CK_ULONG value_len;
    char label[256], id[64];
    CK_BBOOL flags[9];
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_LABEL, label, sizeof label},
        {CKA_ID, id, sizeof id},
        {CKA_VALUE_LEN, &value_len, sizeof value_len},
        {CKA_PRIVATE, &flags[0], 1},
        {CKA_SENSITIVE, &flags[1], 1},
        {CKA_EXTRACTABLE, &flags[2], 1},
        {CKA_SIGN, &flags[3], 1},
        {CKA_ENCRYPT, &flags[4], 1},
        {CKA_DECRYPT, &flags[5], 1},
        {CKA_WRAP, &flags[6], 1},
        {CKA_UNWRAP, &flags[7], 1},
        {CKA_DERIVE, &flags[8], 1},
    };
    check(fn->C_GetAttributeValue(session, object, attributes,
                                  sizeof attributes / sizeof *attributes),
          "C_GetAttributeValue");
    return class;
}

static void make_mac(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    static CK_BYTE question[] = "a question";
    CK_MECHANISM mechanism = {CKM_SHA256_HMAC, NULL, 0};
    CK_BYTE mac[MAC_MAX];
    CK_ULONG length = sizeof mac;
    check(fn->C_SignInit(session, &mechanism, key), "C_SignInit");
    check(fn->C_Sign(session, question, sizeof question - 1, mac, &length), "C_Sign");
}

int main(int argc, char **argv)
{
    double start = now_ms();
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    if (argc != 4)
        return 2;
    fn = p11_kit_module_load(argv[1], P11_KIT_MODULE_UNMANAGED);
    if (!fn)
        return 1;
    check(fn->C_Initialize(&arguments), "C_Initialize");
    CK_SESSION_HANDLE session = open_session(argv[2], argv[3]);
    CK_ULONG count = enumerate(session), keys = 0;
    for (CK_ULONG i = 0; i < count; i++) {
        if (read_attributes(session, objects[i]) != CKO_SECRET_KEY)
            continue;
        make_mac(session, objects[i]);
        keys++;
    }
    printf("%lu %.1f\n", keys, now_ms() - start);
    fn->C_Finalize(NULL);
    p11_kit_module_release(fn);
    return 0;
}
