/* Shows keys: a line for people, JSON for machines. */
#include "config.h"
#include "pkcs11/key/show.h"
#include "pkcs11/key/kcv.h"
#include "pkcs11/key/keyspec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REASON_MAX 128

/* Everything that is shown, found out once for both forms. */
struct view {
    const char *object_class;
    char type[KEYSPEC_NAME_MAX];
    char id[2 * OBJECT_ID_MAX + 1];
    char kcv[KCV_MAX];
    const char *origin;
    bool usable;
    char reason[REASON_MAX]; /* why not */
};

static const char *class_name(CK_OBJECT_CLASS object_class)
{
    if (object_class == CKO_SECRET_KEY)
        return "secret";
    return object_class == CKO_PRIVATE_KEY ? "private" : "public";
}

static const char *yes_or_no(const struct object *object, enum object_flag flag)
{
    if (!(object->told & (uint32_t)flag))
        return "unknown";
    return object->set & (uint32_t)flag ? "yes" : "no";
}

/* CKA_LOCAL is the direct answer. A token that does not give it may still say that the key has
 * never been extractable, which is never true of an imported one. */
static const char *origin_of(const struct object *object)
{
    const enum object_flag witnesses[] = {OBJECT_LOCAL, OBJECT_NEVER_EXTRACTABLE};
    for (size_t i = 0; i < 2; i++)
        if (object->told & (uint32_t)witnesses[i])
            return object->set & (uint32_t)witnesses[i] ? "generated" : "imported";
    return "unknown";
}

static void write_hex(const unsigned char *data, size_t length, char *text)
{
    text[0] = '\0';
    for (size_t i = 0; i < length; i++)
        snprintf(text + 2 * i, 3, "%02x", data[i]);
}

/* Whether it is a pair that client secrets are wrapped for; then its type says so. */
static bool unwraps(const struct object *object, struct view *view)
{
    char reason[REASON_MAX], type[sizeof view->type];
    if (object->object_class != CKO_PRIVATE_KEY || object->key_type != CKK_RSA ||
        object_unfit_to_unwrap(object, reason, sizeof reason))
        return false;
    snprintf(type, sizeof type, "%s", view->type);
    snprintf(view->type, sizeof view->type, "wrap:%.*s", (int)(sizeof type - sizeof "wrap:"), type);
    return true;
}

static struct view look_at(const struct token *token, const struct object *object,
                           const struct mech *mech)
{
    struct view view = {.object_class = class_name(object->object_class),
                        .origin = origin_of(object)};
    write_hex(object->id, object->id_len, view.id);
    kcv_of_object(token, object, mech, view.kcv);
    const char *wrong_type = keyspec_describe(token->module->fn, token->anchor, object, view.type);
    if (unwraps(object, &view))
        wrong_type = "unwraps client secrets, and signs nothing";
    if (object->object_class == CKO_PUBLIC_KEY)
        wrong_type = "is a public key without its private half";
    if (wrong_type)
        snprintf(view.reason, sizeof view.reason, "%s", wrong_type);
    view.usable = !wrong_type && !object_unfit(object, view.reason, sizeof view.reason);
    return view;
}

/* Control characters are those below U+0020, U+007F, and U+0080 to U+009F, C2 80 to C2 9F. */
static size_t control_length(const char *name, size_t length)
{
    unsigned char first = (unsigned char)name[0];
    if (first < ' ' || first == 0x7f)
        return 1;
    return first == 0xc2 && length > 1 && (unsigned char)name[1] < 0xa0 ? 2 : 0;
}

void show_printable(const char *name, size_t length, char ret_text[static SHOW_NAME_MAX])
{
    char *text = ret_text;
    for (size_t i = 0; i < length && i < OBJECT_LABEL_MAX;) {
        size_t control = control_length(name + i, length - i);
        if (control == 0)
            *text++ = name[i++];
        for (; control > 0; control--)
            text += snprintf(text, 5, "\\x%02x", (unsigned char)name[i++]);
    }
    *text = '\0';
}

bool show_is_printable(const char *text)
{
    for (size_t length = strlen(text); length > 0; text++, length--)
        if (control_length(text, length) > 0)
            return false;
    return true;
}

int show_json(const json_t *value, size_t flags, struct p11_error *error)
{
    char *text = json_dumps(value, flags);
    if (!text)
        return p11_error_text(error, P11_MEMORY, "out of memory");
    for (const char *c = text, *end = text + strlen(text); c < end; c++) {
        size_t control = *c == '\n' ? 0 : control_length(c, (size_t)(end - c));
        if (control > 1)
            c++;
        if (control > 0)
            printf("\\u%04X", (unsigned char)*c);
        else
            putchar(*c);
    }
    putchar('\n');
    free(text);
    return 0;
}

void show_line(const struct token *token, const struct object *object, const struct mech *mech,
               FILE *file)
{
    struct view view = look_at(token, object, mech);
    char label[SHOW_NAME_MAX];
    show_printable(object->label, object->label_len, label);
    fprintf(file, "%s id=%s type=%s", object->label_len ? label : "(no label)",
            object->id_len ? view.id : "none", view.type);
    if (object->object_class == CKO_SECRET_KEY)
        fprintf(file, " kcv=%s", view.kcv[0] ? view.kcv : "-");
    fprintf(file, " sensitive=%s extractable=%s origin=%s usable=%s%s%s",
            yes_or_no(object, OBJECT_SENSITIVE), yes_or_no(object, OBJECT_EXTRACTABLE), view.origin,
            view.usable ? "yes" : "no", view.usable ? "" : ": ", view.usable ? "" : view.reason);
}

json_t *show_name(const char *name, size_t length)
{
    json_t *text = json_stringn(name, length);
    if (text)
        return text;
    char ascii[OBJECT_LABEL_MAX];
    for (size_t i = 0; i < length; i++)
        ascii[i] = name[i] & ~0x7f ? '?' : name[i];
    return json_stringn(ascii, length);
}

static json_t *json_flag(const struct object *object, enum object_flag flag)
{
    if (!(object->told & (uint32_t)flag))
        return json_null();
    return json_boolean(object->set & (uint32_t)flag);
}

json_t *show_padded(const CK_UTF8CHAR *name, size_t size)
{
    while (size > 0 && (name[size - 1] == ' ' || name[size - 1] == '\0'))
        size--;
    return show_name((const char *)name, size);
}

static json_t *to_json(const struct token *token, const struct object *object,
                       const struct mech *mech)
{
    struct view view = look_at(token, object, mech);
    json_t *key = json_object();
    int r =
        json_object_set_new(key, "token", show_padded(token->info.label, sizeof token->info.label));
    r |= json_object_set_new(key, "label", show_name(object->label, object->label_len));
    r |= json_object_set_new(key, "id", json_string(view.id));
    r |= json_object_set_new(key, "class", json_string(view.object_class));
    r |= json_object_set_new(key, "type", json_string(view.type));
    r |= json_object_set_new(key, "kcv", view.kcv[0] ? json_string(view.kcv) : json_null());
    r |= json_object_set_new(key, "sensitive", json_flag(object, OBJECT_SENSITIVE));
    r |= json_object_set_new(key, "extractable", json_flag(object, OBJECT_EXTRACTABLE));
    r |= json_object_set_new(key, "origin", json_string(view.origin));
    r |= json_object_set_new(key, "usable", json_boolean(view.usable));
    if (!view.usable)
        r |= json_object_set_new(key, "reason", json_string(view.reason));
    if (r == 0)
        return key;
    json_decref(key);
    return NULL;
}

int show_begin(const struct options *options, struct show *ret_show, struct p11_error *error)
{
    *ret_show = (struct show){.mech = options->mech,
                              .tokens = options->token_count > 1,
                              .array = options->json ? json_array() : NULL};
    if (options->json && !ret_show->array)
        return p11_error_text(error, P11_MEMORY, "out of memory");
    return 0;
}

int show_key(const struct show *show, const struct token *token, const struct object *object,
             struct p11_error *error)
{
    if (show->array && json_array_append_new(show->array, to_json(token, object, show->mech)) < 0)
        return p11_error_text(error, P11_MEMORY, "out of memory");
    if (show->array)
        return 0;
    if (show->tokens)
        printf("%s: ", token->name);
    show_line(token, object, show->mech, stdout);
    putchar('\n');
    return 0;
}

int show_end(struct show *show, int result, struct p11_error *error)
{
    if (result == 0 && show->array)
        result = show_json(show->array, JSON_INDENT(2), error);
    json_decref(show->array);
    show->array = NULL;
    return result;
}
