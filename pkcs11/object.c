/* Reads what a token says of one object, and judges whether a key is protected enough. */
#include "config.h"
#include "pkcs11/object.h"

#include <stdio.h>
#include <string.h>

struct flag_row {
    CK_ATTRIBUTE_TYPE type;
    enum object_flag flag;
    const char *name;
    bool private_key_only;
};

static const struct flag_row flag_rows[] = {
    {CKA_PRIVATE, OBJECT_PRIVATE, "private", false},
    {CKA_SENSITIVE, OBJECT_SENSITIVE, "sensitive", false},
    {CKA_EXTRACTABLE, OBJECT_EXTRACTABLE, "extractable", false},
    {CKA_ALWAYS_SENSITIVE, OBJECT_ALWAYS_SENSITIVE, "always-sensitive", false},
    {CKA_NEVER_EXTRACTABLE, OBJECT_NEVER_EXTRACTABLE, "never-extractable", false},
    {CKA_LOCAL, OBJECT_LOCAL, "local", false},
    {CKA_SIGN, OBJECT_SIGN, "sign", false},
    {CKA_VERIFY, OBJECT_VERIFY, "verify", false},
    {CKA_ENCRYPT, OBJECT_ENCRYPT, "encrypt", false},
    {CKA_DECRYPT, OBJECT_DECRYPT, "decrypt", false},
    {CKA_WRAP, OBJECT_WRAP, "wrap", false},
    {CKA_UNWRAP, OBJECT_UNWRAP, "unwrap", false},
    {CKA_DERIVE, OBJECT_DERIVE, "derive", false},
    {CKA_SIGN_RECOVER, OBJECT_SIGN_RECOVER, "sign-recover", true},
    {CKA_ALWAYS_AUTHENTICATE, OBJECT_ALWAYS_AUTHENTICATE, "always-authenticate", true},
};
#define FLAG_ROWS (sizeof flag_rows / sizeof flag_rows[0])

/* Neither CK_FALSE nor CK_TRUE: shows that the token did not write the value. */
#define UNTOLD ((CK_BBOOL)0xee)

/* The attributes of one call, and where their values go. */
struct reading {
    CK_ATTRIBUTE attributes[5 + FLAG_ROWS];
    CK_ULONG count;
    CK_BBOOL flags[FLAG_ROWS];
};

static CK_ATTRIBUTE *add(struct reading *reading, CK_ATTRIBUTE_TYPE type, void *value, size_t size)
{
    CK_ATTRIBUTE *attribute = &reading->attributes[reading->count++];
    *attribute = (CK_ATTRIBUTE){type, value, (CK_ULONG)size};
    return attribute;
}

static void add_flags(struct reading *reading, bool private_key_only)
{
    for (size_t i = 0; i < FLAG_ROWS; i++) {
        if (flag_rows[i].private_key_only != private_key_only)
            continue;
        reading->flags[i] = UNTOLD;
        add(reading, flag_rows[i].type, &reading->flags[i], sizeof reading->flags[i]);
    }
}

static void take_flags(const struct reading *reading, bool private_key_only, struct object *object)
{
    for (size_t i = 0; i < FLAG_ROWS; i++) {
        if (flag_rows[i].private_key_only != private_key_only)
            continue;
        if (reading->flags[i] == CK_TRUE)
            object->set |= (uint32_t)flag_rows[i].flag;
        if (reading->flags[i] == CK_TRUE || reading->flags[i] == CK_FALSE)
            object->told |= (uint32_t)flag_rows[i].flag;
    }
}

/* The length of what was told, or 0: not told, or more than there was room for. */
static size_t told_length(const CK_ATTRIBUTE *attribute, size_t room)
{
    return attribute->ulValueLen <= room ? attribute->ulValueLen : 0;
}

/* Asks for all at once. A token that lacks or hides one attribute, or has a longer name than we
 * take, says so in the return value and still fills in the others (PKCS #11 section 5.7.5). */
static int ask(CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle,
               struct reading *reading, struct p11_error *error)
{
    CK_RV rv = fn->C_GetAttributeValue(session, handle, reading->attributes, reading->count);
    if (rv == CKR_OK || rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_SENSITIVE ||
        rv == CKR_BUFFER_TOO_SMALL)
        return 0;
    int code = p11_rv_rung(rv) == P11_RUNG_NONE ? P11_FAILED : P11_UNAVAILABLE;
    return p11_error_call(error, code, "C_GetAttributeValue", rv);
}

static int ask_private_key(CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session, struct object *object,
                           struct p11_error *error)
{
    struct reading reading = {.count = 0};
    add_flags(&reading, true);
    int r = ask(fn, session, object->handle, &reading, error);
    if (r == 0)
        take_flags(&reading, true, object);
    return r;
}

int object_read(CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle,
                struct object *ret_object, struct p11_error *error)
{
    struct object object = {.handle = handle,
                            .object_class = CK_UNAVAILABLE_INFORMATION,
                            .key_type = CK_UNAVAILABLE_INFORMATION};
    struct reading reading = {.count = 0};
    add(&reading, CKA_CLASS, &object.object_class, sizeof object.object_class);
    add(&reading, CKA_KEY_TYPE, &object.key_type, sizeof object.key_type);
    CK_ATTRIBUTE *label = add(&reading, CKA_LABEL, object.label, OBJECT_LABEL_MAX);
    CK_ATTRIBUTE *id = add(&reading, CKA_ID, object.id, OBJECT_ID_MAX);
    add(&reading, CKA_VALUE_LEN, &object.value_len, sizeof object.value_len);
    add_flags(&reading, false);
    int r = ask(fn, session, handle, &reading, error);
    if (r < 0)
        return r;
    object.label_len = told_length(label, OBJECT_LABEL_MAX);
    object.label[object.label_len] = '\0';
    object.id_len = told_length(id, OBJECT_ID_MAX);
    take_flags(&reading, false, &object);
    if (object.object_class == CKO_PRIVATE_KEY) {
        r = ask_private_key(fn, session, &object, error);
        if (r < 0)
            return r;
    }
    *ret_object = object;
    return 0;
}

static bool is(const struct object *object, enum object_flag flag)
{
    return object->set & (uint32_t)flag;
}

static bool is_told(const struct object *object, enum object_flag flag)
{
    return object->told & (uint32_t)flag;
}

/* Each rule: the flag must have this value. A flag that is not told passes only where `proof`,
 * another flag that is true, implies the same. Private keys have no CKA_ENCRYPT and no CKA_WRAP
 * (PKCS #11 v3.0 section 4.9); one that claims them all the same, as with tpm2-pkcs11, gains
 * nothing by it. */
struct rule {
    enum object_flag flag;
    bool wanted;
    enum object_flag proof;
    bool not_private_key;
    const char *reason;
};

static const struct rule sign_rules[] = {
    {OBJECT_PRIVATE, true, 0, false, "is not CKA_PRIVATE: it can be used without a login"},
    {OBJECT_SENSITIVE, true, OBJECT_ALWAYS_SENSITIVE, false, "is not CKA_SENSITIVE"},
    {OBJECT_EXTRACTABLE, false, OBJECT_NEVER_EXTRACTABLE, false, "is CKA_EXTRACTABLE"},
    {OBJECT_SIGN, true, 0, false, "is not CKA_SIGN: it cannot sign"},
    {OBJECT_ENCRYPT, false, 0, true, "may encrypt (CKA_ENCRYPT), not only sign and verify"},
    {OBJECT_DECRYPT, false, 0, false, "may decrypt (CKA_DECRYPT), not only sign and verify"},
    {OBJECT_WRAP, false, 0, true, "may wrap keys (CKA_WRAP), not only sign and verify"},
    {OBJECT_UNWRAP, false, 0, false, "may unwrap keys (CKA_UNWRAP), not only sign and verify"},
    {OBJECT_DERIVE, false, 0, false, "may derive keys (CKA_DERIVE), not only sign and verify"},
};

/* For RSA, signing without padding is decrypting. */
static const struct rule unwrap_rules[] = {
    {OBJECT_PRIVATE, true, 0, false, "is not CKA_PRIVATE: it can be used without a login"},
    {OBJECT_SENSITIVE, true, OBJECT_ALWAYS_SENSITIVE, false, "is not CKA_SENSITIVE"},
    {OBJECT_EXTRACTABLE, false, OBJECT_NEVER_EXTRACTABLE, false, "is CKA_EXTRACTABLE"},
    {OBJECT_UNWRAP, true, 0, false, "is not CKA_UNWRAP: it cannot unwrap keys"},
    {OBJECT_DECRYPT, false, 0, false, "may decrypt (CKA_DECRYPT), not only unwrap keys"},
    {OBJECT_SIGN, false, 0, false, "may sign (CKA_SIGN), not only unwrap keys"},
};

/* These exist on private keys alone, and tokens that do not know them do not have the ability. */
static const struct rule private_key_rules[] = {
    {OBJECT_SIGN_RECOVER, false, 0, false, "may sign with recovery (CKA_SIGN_RECOVER)"},
    {OBJECT_ALWAYS_AUTHENTICATE, false, 0, false,
     "wants a login for every signature (CKA_ALWAYS_AUTHENTICATE)"},
};

const char *object_flag_name(enum object_flag flag)
{
    for (size_t i = 0; i < FLAG_ROWS; i++)
        if (flag_rows[i].flag == flag)
            return flag_rows[i].name;
    return NULL;
}

static void add_name(const char *name, char *names, size_t size)
{
    size_t length = strlen(names);
    snprintf(names + length, size - length, "%s%s", length ? ", " : "", name);
}

void object_untold(const struct object *object, char *names, size_t size)
{
    /* Private keys have no CKA_VERIFY either. */
    const uint32_t never_private = OBJECT_VERIFY | OBJECT_ENCRYPT | OBJECT_WRAP;
    bool private_key = object->object_class == CKO_PRIVATE_KEY;
    names[0] = '\0';
    for (size_t i = 0; i < FLAG_ROWS; i++) {
        bool is_due =
            private_key ? !(flag_rows[i].flag & never_private) : !flag_rows[i].private_key_only;
        if (is_due && !is_told(object, flag_rows[i].flag))
            add_name(flag_rows[i].name, names, size);
    }
    if (object->object_class == CKO_SECRET_KEY && object->value_len == 0)
        add_name("length", names, size);
}

static bool is_met(const struct object *object, const struct rule *rule)
{
    if (rule->not_private_key && object->object_class == CKO_PRIVATE_KEY)
        return true;
    if (is_told(object, rule->flag))
        return is(object, rule->flag) == rule->wanted;
    return rule->proof && is(object, rule->proof);
}

static bool breaks_rules(const struct object *object, const struct rule *rules, size_t count,
                         char *reason, size_t reason_size)
{
    for (size_t i = 0; i < count; i++) {
        const struct rule *rule = &rules[i];
        if (is_met(object, rule))
            continue;
        if (is_told(object, rule->flag))
            snprintf(reason, reason_size, "%s", rule->reason);
        else
            snprintf(reason, reason_size, "does not tell its attribute \"%s\"",
                     object_flag_name(rule->flag));
        return true;
    }
    for (size_t i = 0; i < sizeof private_key_rules / sizeof private_key_rules[0]; i++) {
        if (is(object, private_key_rules[i].flag)) {
            snprintf(reason, reason_size, "%s", private_key_rules[i].reason);
            return true;
        }
    }
    return false;
}

bool object_unfit(const struct object *object, char *reason, size_t reason_size)
{
    return breaks_rules(object, sign_rules, sizeof sign_rules / sizeof sign_rules[0], reason,
                        reason_size);
}

bool object_unfit_to_unwrap(const struct object *object, char *reason, size_t reason_size)
{
    return breaks_rules(object, unwrap_rules, sizeof unwrap_rules / sizeof unwrap_rules[0], reason,
                        reason_size);
}
