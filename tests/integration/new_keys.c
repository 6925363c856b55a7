/* Creates secret keys on a token as a test wants them, also such as hintsign-key never makes:
 *
 *   new_keys MODULE TOKEN-LABEL PIN-FILE LABEL COUNT [ATTRIBUTE=VALUE]...
 *
 * A key is protected like one of hintsign-key unless an attribute (`rows` below) says otherwise.
 * With a COUNT above 1 the labels end with a number from 1.
 *
 *   new_keys MODULE TOKEN-LABEL PIN-FILE LABEL copy OLD-LABEL
 *
 * copies a private key, which then may only sign. */
#include "config.h"

#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SLOTS_MAX 64
#define LABEL_MAX 255
#define VALUE_MAX 128

static CK_FUNCTION_LIST *fn;
static CK_ULONG object_class = CKO_SECRET_KEY;
static CK_ULONG key_type = CKK_GENERIC_SECRET;
static CK_ULONG length = 32;
static CK_ULONG id;
static CK_ULONG fill; /* all bytes of the value; 0: random */
static CK_ULONG private = CK_TRUE, sensitive = CK_TRUE, extractable, sign = CK_TRUE,
                verify = CK_TRUE;
static CK_ULONG encrypt, decrypt, wrap, unwrap, derive;

static const struct row {
    const char *name;
    CK_ULONG *value;
} rows[] = {
    {"class", &object_class},  {"type", &key_type},
    {"length", &length},       {"id", &id},
    {"fill", &fill},           {"private", &private},
    {"sensitive", &sensitive}, {"extractable", &extractable},
    {"sign", &sign},           {"verify", &verify},
    {"encrypt", &encrypt},     {"decrypt", &decrypt},
    {"wrap", &wrap},           {"unwrap", &unwrap},
    {"derive", &derive},
};

static void check(CK_RV rv, const char *call)
{
    if (rv == CKR_OK)
        return;
    fprintf(stderr, "%s: 0x%lx\n", call, rv);
    exit(1);
}

static void take(const char *argument)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t n = strlen(rows[i].name);
        if (strncmp(argument, rows[i].name, n) == 0 && argument[n] == '=') {
            *rows[i].value = strtoul(argument + n + 1, NULL, 0);
            return;
        }
    }
    fprintf(stderr, "%s: no such attribute\n", argument);
    exit(2);
}

static CK_SLOT_ID find_token(const char *label)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    check(fn->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList");
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info;
        check(fn->C_GetTokenInfo(slots[i], &info), "C_GetTokenInfo");
        size_t n = strlen(label);
        if (memcmp(info.label, label, n) == 0 && (n == sizeof info.label || info.label[n] == ' '))
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
    check(fn->C_OpenSession(find_token(label), CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
                            &session),
          "C_OpenSession");
    check(fn->C_Login(session, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin)), "C_Login");
    return session;
}

struct template
{
    CK_ATTRIBUTE attributes[20];
    CK_BBOOL flags[20];
    CK_ULONG count;
};

static void add(struct template *template, CK_ATTRIBUTE_TYPE type, void *value, size_t size)
{
    template->attributes[template->count++] = (CK_ATTRIBUTE){type, value, size};
}

static void add_flag(struct template *template, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
    CK_BBOOL *flag = &template->flags[template->count];
    *flag = value ? CK_TRUE : CK_FALSE;
    add(template, type, flag, sizeof *flag);
}

static void create(CK_SESSION_HANDLE session, const char *label)
{
    unsigned char value[VALUE_MAX], id_byte = (unsigned char)id;
    struct template template = {.count = 0};
    if (length > sizeof value || getrandom(value, length, 0) != (ssize_t)length)
        exit(1);
    if (fill)
        memset(value, (int)fill, length);
    add(&template, CKA_CLASS, &object_class, sizeof object_class);
    add(&template, CKA_LABEL, (void *)label, strlen(label));
    add(&template, CKA_VALUE, value, length);
    add_flag(&template, CKA_TOKEN, CK_TRUE);
    add_flag(&template, CKA_PRIVATE, private);
    if (object_class == CKO_SECRET_KEY) {
        add(&template, CKA_ID, &id_byte, id ? 1 : 0);
        add(&template, CKA_KEY_TYPE, &key_type, sizeof key_type);
        add_flag(&template, CKA_SENSITIVE, sensitive);
        add_flag(&template, CKA_EXTRACTABLE, extractable);
        add_flag(&template, CKA_SIGN, sign);
        add_flag(&template, CKA_VERIFY, verify);
        add_flag(&template, CKA_ENCRYPT, encrypt);
        add_flag(&template, CKA_DECRYPT, decrypt);
        add_flag(&template, CKA_WRAP, wrap);
        add_flag(&template, CKA_UNWRAP, unwrap);
        add_flag(&template, CKA_DERIVE, derive);
    }
    CK_OBJECT_HANDLE handle;
    check(fn->C_CreateObject(session, template.attributes, template.count, &handle),
          "C_CreateObject");
}

static void copy(CK_SESSION_HANDLE session, char *label, char *old_label)
{
    CK_OBJECT_CLASS private_key = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE old[] = {{CKA_CLASS, &private_key, sizeof private_key},
                          {CKA_LABEL, old_label, strlen(old_label)}};
    struct template template = {.count = 0};
    CK_OBJECT_HANDLE handle;
    CK_ULONG count;
    check(fn->C_FindObjectsInit(session, old, 2), "C_FindObjectsInit");
    check(fn->C_FindObjects(session, &handle, 1, &count), "C_FindObjects");
    check(fn->C_FindObjectsFinal(session), "C_FindObjectsFinal");
    add(&template, CKA_LABEL, label, strlen(label));
    add_flag(&template, CKA_DECRYPT, CK_FALSE);
    add_flag(&template, CKA_UNWRAP, CK_FALSE);
    add_flag(&template, CKA_SIGN_RECOVER, CK_FALSE);
    check(count == 1 ? CKR_OK : CKR_OBJECT_HANDLE_INVALID, "the key to copy");
    check(fn->C_CopyObject(session, handle, template.attributes, template.count, &handle),
          "C_CopyObject");
}

int main(int argc, char **argv)
{
    if (argc < 6)
        return 2;
    bool copies = strcmp(argv[5], "copy") == 0 && argc == 7;
    for (int i = 6; i < argc && !copies; i++)
        take(argv[i]);
    unsigned long count = strtoul(argv[5], NULL, 10);
    fn = p11_kit_module_load(argv[1], P11_KIT_MODULE_UNMANAGED);
    if (!fn)
        return 1;
    check(fn->C_Initialize(NULL), "C_Initialize");
    CK_SESSION_HANDLE session = open_session(argv[2], argv[3]);
    if (copies)
        copy(session, argv[4], argv[6]);
    for (unsigned long i = 1; i <= count; i++) {
        char label[LABEL_MAX + 1];
        if (count == 1)
            snprintf(label, sizeof label, "%s", argv[4]);
        else
            snprintf(label, sizeof label, "%s%lu", argv[4], i);
        create(session, label);
    }
    fn->C_Finalize(NULL);
    p11_kit_module_release(fn);
    return 0;
}
