/* A token inside the test: its objects are an array that the test fills. */
#include "config.h"
#include "tests/unit/fake_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#define SLOT    7
#define MAC_LEN 32

struct fake_token fake;
static CK_ULONG found; /* objects that the search has given so far */

void fake_reset(void)
{
    fake = (struct fake_token){
        .flags = CKF_TOKEN_INITIALIZED | CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED, .mac = 'm'};
}

static struct fake_attribute *find_attribute(struct fake_object *object, CK_ATTRIBUTE_TYPE type)
{
    for (unsigned i = 0; i < object->count; i++)
        if (object->attributes[i].type == type)
            return &object->attributes[i];
    return NULL;
}

void fake_set(struct fake_object *object, CK_ATTRIBUTE_TYPE type, const void *value,
              CK_ULONG length)
{
    struct fake_attribute *attribute = find_attribute(object, type);
    if (!attribute)
        attribute = &object->attributes[object->count++];
    attribute->type = type;
    attribute->length = length;
    memcpy(attribute->value, value, length);
}

void fake_set_ulong(struct fake_object *object, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
    fake_set(object, type, &value, sizeof value);
}

void fake_set_flag(struct fake_object *object, CK_ATTRIBUTE_TYPE type, CK_BBOOL value)
{
    fake_set(object, type, &value, sizeof value);
}

void fake_unset(struct fake_object *object, CK_ATTRIBUTE_TYPE type)
{
    struct fake_attribute *attribute = find_attribute(object, type);
    if (attribute)
        attribute->type = CK_UNAVAILABLE_INFORMATION;
}

void fake_hmac_key(struct fake_object *object, const char *label, const char *id)
{
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        CK_BBOOL value;
    } flags[] = {
        {CKA_PRIVATE, CK_TRUE},
        {CKA_SENSITIVE, CK_TRUE},
        {CKA_EXTRACTABLE, CK_FALSE},
        {CKA_ALWAYS_SENSITIVE, CK_FALSE},
        {CKA_NEVER_EXTRACTABLE, CK_FALSE},
        {CKA_LOCAL, CK_FALSE},
        {CKA_SIGN, CK_TRUE},
        {CKA_VERIFY, CK_TRUE},
        {CKA_ENCRYPT, CK_FALSE},
        {CKA_DECRYPT, CK_FALSE},
        {CKA_WRAP, CK_FALSE},
        {CKA_UNWRAP, CK_FALSE},
        {CKA_DERIVE, CK_FALSE},
    };
    *object = (struct fake_object){.count = 0};
    fake_set_ulong(object, CKA_CLASS, CKO_SECRET_KEY);
    fake_set_ulong(object, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
    fake_set_ulong(object, CKA_VALUE_LEN, 32);
    fake_set(object, CKA_LABEL, label, strlen(label));
    fake_set(object, CKA_ID, id, strlen(id));
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        fake_set_flag(object, flags[i].type, flags[i].value);
}

static CK_RV initialize(void *args)
{
    const CK_C_INITIALIZE_ARGS *given = args;
    if (given->flags & CKF_OS_LOCKING_OK && fake.initialize_with_locking != CKR_OK)
        return fake.initialize_with_locking;
    if (fake.initialize == CKR_OK)
        fake.initialized++;
    return fake.initialize;
}

static CK_RV finalize(void *reserved)
{
    (void)reserved;
    fake.finalized++;
    return CKR_OK;
}

static CK_RV get_slot_list(CK_BBOOL with_token, CK_SLOT_ID *slots, CK_ULONG *count)
{
    (void)with_token;
    slots[0] = SLOT;
    *count = 1;
    return CKR_OK;
}

static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    memset(info, ' ', sizeof *info);
    memcpy(info->label, "fake", 4);
    info->flags = fake.flags;
    info->ulMaxSessionCount = CK_EFFECTIVELY_INFINITE;
    return slot == SLOT ? CKR_OK : CKR_SLOT_ID_INVALID;
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                          CK_SESSION_HANDLE *session)
{
    (void)slot;
    (void)application;
    (void)notify;
    if (fake.open_session != CKR_OK)
        return fake.open_session;
    if (fake.read_write_only && !(flags & CKF_RW_SESSION))
        return CKR_FUNCTION_FAILED;
    fake.session_flags = flags;
    *session = FAKE_SESSION_FIRST + fake.opened_sessions++;
    fake.open_sessions++;
    return CKR_OK;
}

static CK_RV close_session(CK_SESSION_HANDLE session)
{
    (void)session;
    fake.open_sessions--;
    return CKR_OK;
}

static CK_RV close_all_sessions(CK_SLOT_ID slot)
{
    (void)slot;
    fake.open_sessions = 0;
    return CKR_OK;
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin,
                   CK_ULONG pin_length)
{
    (void)session;
    (void)user;
    (void)pin;
    fake.logins++;
    fake.pin_length = pin_length;
    return fake.login;
}

static CK_RV logout(CK_SESSION_HANDLE session)
{
    (void)session;
    fake.logouts++;
    return CKR_OK;
}

static CK_RV get_session_info(CK_SESSION_HANDLE session, CK_SESSION_INFO *info)
{
    (void)session;
    *info = (CK_SESSION_INFO){.slotID = SLOT, .state = fake.session_state};
    return CKR_OK;
}

static CK_RV find_objects_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    (void)session;
    (void)attributes;
    if (count > 0 || fake.searches > 0)
        return CKR_OPERATION_ACTIVE;
    fake.searches++;
    found = 0;
    return CKR_OK;
}

static CK_RV find_objects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG max,
                          CK_ULONG *count)
{
    (void)session;
    if (fake.find != CKR_OK)
        return fake.find;
    *count = 0;
    while (found < fake.object_count && *count < max)
        objects[(*count)++] = ++found;
    return CKR_OK;
}

static CK_RV find_objects_final(CK_SESSION_HANDLE session)
{
    (void)session;
    fake.searches--;
    return CKR_OK;
}

static CK_RV get_one(struct fake_object *object, CK_ATTRIBUTE *asked)
{
    const struct fake_attribute *attribute = find_attribute(object, asked->type);
    CK_ULONG room = asked->ulValueLen;
    asked->ulValueLen = CK_UNAVAILABLE_INFORMATION;
    if (!attribute)
        return CKR_ATTRIBUTE_TYPE_INVALID;
    if (attribute->sensitive)
        return CKR_ATTRIBUTE_SENSITIVE;
    if (attribute->length > room)
        return CKR_BUFFER_TOO_SMALL;
    asked->ulValueLen = attribute->length;
    memcpy(asked->pValue, attribute->value, attribute->length);
    return CKR_OK;
}

static CK_RV get_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle,
                                 CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    (void)session;
    if (fake.get_attributes != CKR_OK)
        return fake.get_attributes;
    if (handle == fake.vanished || handle == 0 || handle > fake.object_count)
        return CKR_OBJECT_HANDLE_INVALID;
    CK_RV rv = CKR_OK;
    for (CK_ULONG i = 0; i < count; i++) {
        CK_RV one = get_one(&fake.objects[handle - 1], &attributes[i]);
        if (one != CKR_OK)
            rv = one;
    }
    return rv;
}

static CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    (void)session;
    (void)mechanism;
    fake.signing = key;
    return CKR_OK;
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *signature,
                  CK_ULONG *signature_len)
{
    (void)session;
    (void)data;
    CK_RV rv = fake.answer ? fake.answer() : CKR_OK;
    if (fake.longest > 0 && data_len > fake.longest)
        rv = fake.too_long;
    *signature_len = MAC_LEN;
    memset(signature, fake.mac, MAC_LEN);
    return rv;
}

CK_FUNCTION_LIST fake_functions = {
    .version = {2, 40},
    .C_Initialize = initialize,
    .C_Finalize = finalize,
    .C_GetSlotList = get_slot_list,
    .C_GetTokenInfo = get_token_info,
    .C_OpenSession = open_session,
    .C_CloseSession = close_session,
    .C_CloseAllSessions = close_all_sessions,
    .C_GetSessionInfo = get_session_info,
    .C_Login = login,
    .C_Logout = logout,
    .C_FindObjectsInit = find_objects_init,
    .C_FindObjects = find_objects,
    .C_FindObjectsFinal = find_objects_final,
    .C_GetAttributeValue = get_attribute_value,
    .C_SignInit = sign_init,
    .C_Sign = sign,
};

struct module *fake_module(void)
{
    struct module *module;
    struct p11_error error;
    assert_int_equal(module_new(FAKE_MODULE_PATH, NULL, &module, &error), 0);
    module->fn = &fake_functions;
    return module;
}

void fake_module_free(struct module *module)
{
    module->fn = NULL; /* p11-kit did not load it */
    module_free(module);
}

void fake_token_changed(void *context, struct token *token, enum token_state state,
                        const char *detail)
{
    (void)context;
    (void)token;
    (void)state;
    (void)detail;
}
