/* The claims that a profile accepts: reads their forms, checks values and writes them. */
#include "config.h"
#include "agent/accept.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The formats of a subject identifier (RFC 9493 section 3.2) and the members of each; all of them
 * must be there, and none besides. */
struct sub_id_format {
    const char *name;
    struct {
        const char *name;
        const char *form;
    } members[2];
    const char *scheme; /* of its URI; NULL: any, or there is none */
};

static const struct sub_id_format sub_id_formats[] = {
    {"account", {{"uri", "uri"}}, "acct:"}, /* RFC 7565 */
    {"did", {{"url", "uri"}}, "did:"},
    {"email", {{"email", "email"}}, NULL},
    {"iss_sub", {{"iss", "string"}, {"sub", "string"}}, NULL},
    {"opaque", {{"id", "string"}}, NULL},
    {"phone_number", {{"phone_number", "e164"}}, NULL},
    {"uri", {{"uri", "uri"}}, NULL},
};
#define SUB_ID_FORMATS (sizeof sub_id_formats / sizeof sub_id_formats[0])

int accept_init(struct accept *accept, const char *name)
{
    *accept = (struct accept){.name = strdup(name),
                              .form = form_find("string"),
                              .max = FORM_VALUE_MAX,
                              .formats = (1u << SUB_ID_FORMATS) - 1};
    return accept->name ? 0 : -1;
}

void accept_clear(struct accept *accept)
{
    for (size_t i = 0; i < accept->member_count; i++)
        accept_clear(&accept->members[i]);
    free(accept->members);
    free(accept->name);
}

static const char *form_name(size_t index)
{
    return form_at(index) ? form_at(index)->name : NULL;
}

static int take_form(struct json_file *file, const struct json_at *at, void *target)
{
    struct accept *accept = target;
    size_t index = 0;
    int r = json_take_choice(file, at, form_name, &index);
    accept->form = form_at(index);
    return r;
}

static int take_max(struct json_file *file, const struct json_at *at, void *target)
{
    struct accept *accept = target;
    json_int_t value = 0;
    int r = json_take_integer(file, at, 1, FORM_VALUE_MAX, &value);
    accept->max = (size_t)value;
    return r;
}

const char *accept_format_name(size_t index)
{
    return index < SUB_ID_FORMATS ? sub_id_formats[index].name : NULL;
}

static int take_format(struct json_file *file, const struct json_at *at, void *target)
{
    struct accept *accept = target;
    size_t index = 0;
    int r = json_take_choice(file, at, accept_format_name, &index);
    accept->formats |= 1u << index;
    return r;
}

static int take_formats(struct json_file *file, const struct json_at *at, void *target)
{
    struct accept *accept = target;
    accept->formats = 0;
    return json_take_array(file, at, SUB_ID_FORMATS, take_format, target);
}

/* An object's members have forms of their own, but are no objects again. */
static int take_member(struct json_file *file, const struct json_at *at, struct accept *accept)
{
    if (accept->member_count == ACCEPT_MEMBERS_MAX)
        return json_file_error(file, at, "is more than the %d members there may be",
                               ACCEPT_MEMBERS_MAX);
    struct accept *member = &accept->members[accept->member_count++];
    if (accept_init(member, at->name) < 0)
        return json_file_error(file, at, "out of memory");
    int r = accept_take_form(file, at, member);
    if (r == 0 && (member->form->type == FORM_SUB_ID || member->form->type == FORM_OBJECT))
        r = json_file_error(file, at, "cannot be an object inside an object");
    return r;
}

static int take_members(struct json_file *file, const struct json_at *at, void *target)
{
    struct accept *accept = target;
    if (!json_is_object(at->value) || json_object_size(at->value) == 0)
        return json_file_error(file, at, "must be an object, from member to form");
    accept->members = calloc(ACCEPT_MEMBERS_MAX, sizeof *accept->members);
    if (!accept->members)
        return json_file_error(file, at, "out of memory");
    const char *name;
    json_t *value;
    json_object_foreach(at->value, name, value)
    {
        struct json_at member = {.parent = at, .name = name, .value = value};
        if (take_member(file, &member, accept) < 0)
            return -1;
    }
    return 0;
}

static int take_required_name(struct json_file *file, const struct json_at *at, void *target)
{
    struct accept *accept = target;
    const char *name = json_string_value(at->value);
    for (size_t i = 0; name && i < accept->member_count; i++) {
        if (strcmp(accept->members[i].name, name) != 0)
            continue;
        accept->required |= (claim_set)1 << i;
        return 0;
    }
    return json_file_error(file, at, "is not among the members, which come before it");
}

static int take_required(struct json_file *file, const struct json_at *at, void *target)
{
    return json_take_array(file, at, ACCEPT_MEMBERS_MAX, take_required_name, target);
}

static const struct json_member spec_members[] = {
    {"form", true, take_form},          {"max", false, take_max},
    {"formats", false, take_formats},   {"members", false, take_members},
    {"required", false, take_required}, {NULL, false, NULL},
};

/* Which member belongs to which form. */
static int check_spec(struct json_file *file, const struct json_at *at, const struct accept *accept)
{
    static const struct {
        const char *member;
        enum form_type type;
        enum form_type or_type;
    } rows[] = {{"max", FORM_TEXT, FORM_SUB_ID},
                {"formats", FORM_SUB_ID, FORM_SUB_ID},
                {"members", FORM_OBJECT, FORM_OBJECT},
                {"required", FORM_OBJECT, FORM_OBJECT}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (accept->form->type != rows[i].type && accept->form->type != rows[i].or_type &&
            json_object_get(at->value, rows[i].member))
            return json_file_error(file, at, "form %s has no \"%s\"", accept->form->name,
                                   rows[i].member);
    if (accept->form->type == FORM_OBJECT && accept->member_count == 0)
        return json_file_error(file, at, "form object needs \"members\"");
    return 0;
}

int accept_take_form(struct json_file *file, const struct json_at *at, struct accept *accept)
{
    int r = json_is_string(at->value) ? take_form(file, at, accept)
                                      : json_take_object(file, at, spec_members, accept);
    return r == 0 ? check_spec(file, at, accept) : r;
}

static const char *check_text(const char *value, size_t length, size_t max, const struct form *form)
{
    if (!value)
        return "The claim must be a string.";
    if (length > max)
        return "The claim is too long.";
    if (!form_is_text(value, length))
        return "The claim is empty or has a character below U+0020.";
    if (!form->matches(value, length))
        return "The claim does not have the form it must have.";
    return NULL;
}

static const struct claim *find_member(const struct claim *claim, const char *name)
{
    for (size_t i = 0; i < claim->member_count; i++)
        if (strcmp(claim->members[i].name, name) == 0)
            return &claim->members[i];
    return NULL;
}

static const struct sub_id_format *find_format(const struct accept *accept,
                                               const struct claim *claim)
{
    const struct claim *format = find_member(claim, "format");
    for (size_t i = 0; format && format->value && i < SUB_ID_FORMATS; i++)
        if ((accept->formats & 1u << i) && strcmp(sub_id_formats[i].name, format->value) == 0)
            return &sub_id_formats[i];
    return NULL;
}

static bool has_scheme(const struct claim *uri, const char *scheme)
{
    return uri->length > strlen(scheme) && strncasecmp(uri->value, scheme, strlen(scheme)) == 0;
}

static const char *check_sub_id(const struct accept *accept, const struct claim *claim)
{
    const struct sub_id_format *format = find_format(accept, claim);
    if (!claim->is_object || !format)
        return "The claim must be a subject identifier of a format that the profile accepts.";
    size_t expected = 1;
    for (size_t i = 0; i < 2 && format->members[i].name; i++, expected++) {
        const struct claim *member = find_member(claim, format->members[i].name);
        if (!member)
            return "The subject identifier lacks a member of its format.";
        const char *message = check_text(member->value, member->length, accept->max,
                                         form_find(format->members[i].form));
        if (message)
            return message;
        if (format->scheme && !has_scheme(member, format->scheme))
            return "The subject identifier has a URI of another scheme.";
    }
    return claim->member_count == expected ? NULL : "The subject identifier has a member too many.";
}

static const char *check_object(const struct accept *accept, const struct claim *claim)
{
    size_t known = 0;
    if (!claim->is_object)
        return "The claim must be an object.";
    for (size_t i = 0; i < accept->member_count; i++) {
        const struct claim *member = find_member(claim, accept->members[i].name);
        const char *message = member ? accept_check(&accept->members[i], member) : NULL;
        if (message)
            return message;
        if (!member && (accept->required & (claim_set)1 << i))
            return "The claim lacks a member that it must have.";
        known += member != NULL;
    }
    return known > 0 && known == claim->member_count
               ? NULL
               : "The claim has a member that the profile does not accept, or none.";
}

const char *accept_check(const struct accept *accept, const struct claim *claim)
{
    switch (accept->form->type) {
    case FORM_TEXT:
        return check_text(claim->value, claim->length, accept->max, accept->form);
    case FORM_INTEGER:
        return claim->is_integer && claim->integer >= -ACCEPT_INTEGER_MAX &&
                       claim->integer <= ACCEPT_INTEGER_MAX
                   ? NULL
                   : "The claim must be an integer within 2^53.";
    case FORM_BOOLEAN:
        return claim->is_boolean ? NULL : "The claim must be true or false.";
    case FORM_SUB_ID:
        return check_sub_id(accept, claim);
    case FORM_OBJECT:
        return check_object(accept, claim);
    }
    return "The claim cannot be given.";
}

static void write_string(struct text *text, const char *value)
{
    text_string(text, value, strlen(value));
}

static void write_sub_id(const struct accept *accept, const struct claim *claim, struct text *text)
{
    const struct sub_id_format *format = find_format(accept, claim);
    text_put(text, "{\"format\":");
    write_string(text, format->name);
    for (size_t i = 0; i < 2 && format->members[i].name; i++) {
        const struct claim *member = find_member(claim, format->members[i].name);
        text_put(text, ",");
        write_string(text, member->name);
        text_put(text, ":");
        text_string(text, member->value, member->length);
    }
    text_put(text, "}");
}

static void write_object(const struct accept *accept, const struct claim *claim, struct text *text)
{
    const char *separator = "{";
    for (size_t i = 0; i < accept->member_count; i++) {
        const struct claim *member = find_member(claim, accept->members[i].name);
        if (!member)
            continue;
        text_put(text, separator);
        write_string(text, member->name);
        text_put(text, ":");
        accept_write(&accept->members[i], member, text);
        separator = ",";
    }
    text_put(text, "}");
}

void accept_write(const struct accept *accept, const struct claim *claim, struct text *text)
{
    switch (accept->form->type) {
    case FORM_TEXT:
        text_string(text, claim->value, claim->length);
        break;
    case FORM_INTEGER:
        text_integer(text, claim->integer);
        break;
    case FORM_BOOLEAN:
        text_put(text, claim->integer ? "true" : "false");
        break;
    case FORM_SUB_ID:
        write_sub_id(accept, claim, text);
        break;
    case FORM_OBJECT:
        write_object(accept, claim, text);
        break;
    }
}
