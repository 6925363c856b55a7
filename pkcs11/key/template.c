/* The table of attributes that protect our keys, and the art of asking a token for them. */
#include "config.h"
#include "pkcs11/key/template.h"

#include <assert.h>

/* Written into every template, wanted or not: tokens have surprising defaults. Each has a
 * value for each use, and may be left out for one use or another. Without CKA_MODIFIABLE and
 * CKA_COPYABLE nobody who comes to the PIN can give a key another use later. */
static const struct usage {
    CK_OBJECT_CLASS object_class;
    CK_ATTRIBUTE_TYPE type;
    CK_BBOOL value[TEMPLATE_USES];
    bool optional[TEMPLATE_USES];
} usages[] = {
    {CKO_SECRET_KEY, CKA_TOKEN, {CK_TRUE, CK_TRUE}, {false, false}},
    {CKO_SECRET_KEY, CKA_PRIVATE, {CK_TRUE, CK_TRUE}, {false, false}},
    {CKO_SECRET_KEY, CKA_SENSITIVE, {CK_TRUE, CK_TRUE}, {false, false}},
    {CKO_SECRET_KEY, CKA_EXTRACTABLE, {CK_FALSE, CK_FALSE}, {false, false}},
    {CKO_SECRET_KEY, CKA_SIGN, {CK_TRUE, CK_FALSE}, {false, true}},
    {CKO_SECRET_KEY, CKA_COPYABLE, {CK_FALSE, CK_FALSE}, {true, true}},
    {CKO_SECRET_KEY, CKA_MODIFIABLE, {CK_FALSE, CK_FALSE}, {true, true}},
    {CKO_SECRET_KEY, CKA_VERIFY, {CK_TRUE, CK_FALSE}, {true, true}},
    {CKO_SECRET_KEY, CKA_WRAP, {CK_FALSE, CK_FALSE}, {true, true}},
    {CKO_SECRET_KEY, CKA_UNWRAP, {CK_FALSE, CK_TRUE}, {true, false}},
    {CKO_SECRET_KEY, CKA_ENCRYPT, {CK_FALSE, CK_FALSE}, {true, true}},
    {CKO_SECRET_KEY, CKA_DECRYPT, {CK_FALSE, CK_FALSE}, {true, true}},
    {CKO_SECRET_KEY, CKA_DERIVE, {CK_FALSE, CK_FALSE}, {true, true}},

    {CKO_PRIVATE_KEY, CKA_TOKEN, {CK_TRUE, CK_TRUE}, {false, false}},
    {CKO_PRIVATE_KEY, CKA_PRIVATE, {CK_TRUE, CK_TRUE}, {false, false}},
    {CKO_PRIVATE_KEY, CKA_SENSITIVE, {CK_TRUE, CK_TRUE}, {false, false}},
    {CKO_PRIVATE_KEY, CKA_EXTRACTABLE, {CK_FALSE, CK_FALSE}, {false, false}},
    {CKO_PRIVATE_KEY, CKA_SIGN, {CK_TRUE, CK_FALSE}, {false, true}},
    {CKO_PRIVATE_KEY, CKA_COPYABLE, {CK_FALSE, CK_FALSE}, {true, true}},
    {CKO_PRIVATE_KEY, CKA_MODIFIABLE, {CK_FALSE, CK_FALSE}, {true, true}},
    {CKO_PRIVATE_KEY, CKA_SIGN_RECOVER, {CK_FALSE, CK_FALSE}, {true, true}},
    {CKO_PRIVATE_KEY, CKA_UNWRAP, {CK_FALSE, CK_TRUE}, {true, false}},
    {CKO_PRIVATE_KEY, CKA_DECRYPT, {CK_FALSE, CK_FALSE}, {true, true}},
    {CKO_PRIVATE_KEY, CKA_DERIVE, {CK_FALSE, CK_FALSE}, {true, true}},

    {CKO_PUBLIC_KEY, CKA_TOKEN, {CK_TRUE, CK_TRUE}, {false, false}},
    /* These two first, for template_attempt_without_two: tpm2-pkcs11 wants neither. */
    {CKO_PUBLIC_KEY, CKA_VERIFY, {CK_TRUE, CK_FALSE}, {true, true}},
    {CKO_PUBLIC_KEY, CKA_ENCRYPT, {CK_FALSE, CK_FALSE}, {true, true}},
    {CKO_PUBLIC_KEY, CKA_MODIFIABLE, {CK_FALSE, CK_FALSE}, {true, true}},
    {CKO_PUBLIC_KEY, CKA_PRIVATE, {CK_FALSE, CK_FALSE}, {true, true}},
    {CKO_PUBLIC_KEY, CKA_VERIFY_RECOVER, {CK_FALSE, CK_FALSE}, {true, true}},
    {CKO_PUBLIC_KEY, CKA_WRAP, {CK_FALSE, CK_TRUE}, {true, true}},
    {CKO_PUBLIC_KEY, CKA_DERIVE, {CK_FALSE, CK_FALSE}, {true, true}},
};

static CK_OBJECT_CLASS class_of(const struct template *template)
{
    return *(const CK_OBJECT_CLASS *)template->attributes[0].pValue;
}

void template_add(struct template *template, CK_ATTRIBUTE_TYPE type, const void *value,
                  size_t length)
{
    assert(template->count < TEMPLATE_MAX);
    template->attributes[template->count++] = (CK_ATTRIBUTE){type, (void *)value, (CK_ULONG)length};
}

void template_begin(struct template *template, CK_OBJECT_CLASS object_class)
{
    *template = (struct template){.count = 0};
    for (size_t i = 0; i < sizeof usages / sizeof usages[0]; i++) {
        if (usages[i].object_class != object_class)
            continue;
        template_add(template, CKA_CLASS, &usages[i].object_class, sizeof object_class);
        break;
    }
}

static void add_usages(struct template *template, enum template_use use, bool optional)
{
    for (size_t i = 0; i < sizeof usages / sizeof usages[0]; i++) {
        const struct usage *usage = &usages[i];
        if (usage->object_class != class_of(template) || usage->optional[use] != optional)
            continue;
        template_add(template, usage->type, &usage->value[use], sizeof usage->value[use]);
        template->optional += optional;
    }
}

void template_finish(struct template *template, enum template_use use)
{
    add_usages(template, use, false);
    add_usages(template, use, true);
}

void template_for_session(struct template *template)
{
    static const CK_BBOOL no = CK_FALSE;
    for (CK_ULONG i = 0; i < template->count; i++)
        if (template->attributes[i].type == CKA_TOKEN)
            template->attributes[i].pValue = (void *)&no;
}

unsigned template_attempts(unsigned optional)
{
    return optional ? 2 * optional : 1;
}

/* The attempts behind those without one: without the first two, the first three, ... */
unsigned template_attempt_without_two(unsigned optional)
{
    return optional + 1;
}

uint32_t template_left_out(unsigned optional, unsigned attempt)
{
    if (attempt == 0)
        return 0;
    if (attempt <= optional)
        return UINT32_C(1) << (attempt - 1);
    unsigned count = attempt - template_attempt_without_two(optional) + 2;
    return (UINT32_C(1) << count) - 1;
}

bool template_refused(CK_RV rv)
{
    return rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_VALUE_INVALID ||
           rv == CKR_ATTRIBUTE_READ_ONLY || rv == CKR_TEMPLATE_INCONSISTENT;
}

struct template template_without(const struct template *template, uint32_t left_out)
{
    struct template rest = {.optional = 0};
    CK_ULONG first_optional = template->count - template->optional;
    for (CK_ULONG i = 0; i < template->count; i++) {
        if (i >= first_optional && left_out >> (i - first_optional) & 1)
            continue;
        rest.attributes[rest.count++] = template->attributes[i];
        rest.optional += i >= first_optional;
    }
    return rest;
}
