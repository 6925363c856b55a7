/* hintsign-key list: shows the keys of tokens, one a line. */
#include "config.h"
#include "pkcs11/key/list.h"
#include "pkcs11/key/show.h"
#include "pkcs11/key/tokens.h"

#include <stdlib.h>
#include <string.h>

/* A pair is one key, and shown by its private half. */
static bool is_half(const struct index *index, const struct object *object)
{
    if (object->object_class != CKO_PUBLIC_KEY)
        return false;
    struct index_query private_half = {.object_class = CKO_PRIVATE_KEY,
                                       .label = object->label,
                                       .label_len = object->label_len,
                                       .id = object->id,
                                       .id_len = object->id_len};
    const struct object *found;
    return index_find(index, &private_half, 0, &found) > 0;
}

/* In the order of the alphabet; the index has its own. */
static int compare(const void *a, const void *b)
{
    const struct object *const *x = a, *const *y = b;
    int r = strcmp((*x)->label, (*y)->label);
    return r ? r : memcmp((*x)->id, (*y)->id, sizeof(*x)->id);
}

static int list_token(const struct token *token, const char *label, const struct show *show,
                      struct p11_error *error)
{
    const struct index *index = &token->index;
    const struct object **sorted = calloc(index->count + 1, sizeof *sorted);
    if (!sorted)
        return p11_error_text(error, P11_MEMORY, "out of memory");
    size_t count = 0;
    for (size_t i = 0; i < index->count; i++) {
        const struct object *object = &index->objects[i];
        if ((!label || strcmp(label, object->label) == 0) && !is_half(index, object))
            sorted[count++] = object;
    }
    qsort(sorted, count, sizeof *sorted, compare);
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++)
        r = show_key(show, token, sorted[i], error);
    free(sorted);
    return r;
}

int list_run(const struct options *options, struct p11_error *error)
{
    _cleanup_tokens_ struct tokens tokens = {.count = 0};
    int r = tokens_open(&tokens, options, false, error);
    struct show show;
    if (r == 0)
        r = show_begin(options, &show, error);
    if (r < 0)
        return r;
    for (size_t i = 0; i < tokens.count && r == 0; i++)
        r = list_token(tokens.list[i], options->label, &show, error);
    return show_end(&show, r, error);
}
