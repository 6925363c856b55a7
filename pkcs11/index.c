/* One pass over a token's objects: searching the token for each key would take minutes. */
#include "config.h"
#include "pkcs11/index.h"
#include "pkcs11/watch.h"

#include <stdlib.h>
#include <string.h>

#define FIND_BATCH 512
#define READ_TRIES 3     /* of one object: a key that is left out is missing for a while */
#define MUTE_MS    10000 /* a token that shows no object for so long shows none */

struct handles {
    CK_OBJECT_HANDLE *list;
    size_t count;
};

static int find_more(CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session, struct handles *handles,
                     struct p11_error *error)
{
    CK_ULONG found;
    do {
        size_t size = (handles->count + FIND_BATCH) * sizeof *handles->list;
        CK_OBJECT_HANDLE *list = realloc(handles->list, size);
        if (!list)
            return p11_error_text(error, P11_MEMORY, "out of memory");
        handles->list = list;
        found = 0;
        watch_beat();
        CK_RV rv = fn->C_FindObjects(session, list + handles->count, FIND_BATCH, &found);
        if (rv != CKR_OK)
            return p11_error_call(error, P11_UNAVAILABLE, "C_FindObjects", rv);
        if (found > FIND_BATCH)
            return p11_error_text(error, P11_UNAVAILABLE,
                                  "C_FindObjects gave more than it was asked for");
        handles->count += found;
    } while (found > 0 && handles->count < INDEX_OBJECTS_MAX);
    if (handles->count >= INDEX_OBJECTS_MAX)
        return p11_error_text(error, P11_UNAVAILABLE, "the token has more than %d objects",
                              INDEX_OBJECTS_MAX);
    return 0;
}

static int find_all(CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session, struct handles *handles,
                    struct p11_error *error)
{
    watch_beat();
    CK_RV rv = fn->C_FindObjectsInit(session, NULL, 0);
    if (rv != CKR_OK)
        return p11_error_call(error, P11_UNAVAILABLE, "C_FindObjectsInit", rv);
    int r = find_more(fn, session, handles, error);
    rv = fn->C_FindObjectsFinal(session);
    if (r == 0 && rv != CKR_OK)
        r = p11_error_call(error, P11_UNAVAILABLE, "C_FindObjectsFinal", rv);
    return r;
}

static bool is_key(const struct object *object)
{
    return object->object_class == CKO_SECRET_KEY || object->object_class == CKO_PRIVATE_KEY ||
           object->object_class == CKO_PUBLIC_KEY;
}

static int read_one(CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle,
                    struct object *ret_object, struct p11_error *error)
{
    int r, tries = 0;
    do {
        watch_beat();
        r = object_read(fn, session, handle, ret_object, error);
    } while (r == P11_UNAVAILABLE && p11_rv_may_be_object(error->rv) && ++tries < READ_TRIES);
    return r;
}

enum { UNREAD = 1 };

/* Into the index, which has room. An object that vanished meanwhile, or that the token will not
 * show, is no error. Returns UNREAD for an error that may be the object's own. */
static int take_in(CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle,
                   struct index *index, struct p11_error *error)
{
    struct object *object = &index->objects[index->count];
    int r = read_one(fn, session, handle, object, error);
    if (r == P11_UNAVAILABLE && p11_rv_may_be_object(error->rv)) {
        index->unread_error = *error;
        return UNREAD;
    }
    if (r < 0)
        return error->rv == CKR_OBJECT_HANDLE_INVALID || r == P11_FAILED ? 0 : r;
    index->count += is_key(object);
    return 0;
}

/* Takes over the handles, of which those remain that cannot be read. Tokens fail alike for a broken
 * object and when they are broken themselves: where no object can be read, it is the token. Where
 * each takes its time to fail, not all are tried: that would take hours. */
static int read_all(CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session, const struct handles *handles,
                    struct index *index, struct p11_error *error)
{
    index->unread = handles->list;
    index->objects = calloc(handles->count + 1, sizeof *index->objects);
    index->by_id = calloc(handles->count + 1, sizeof *index->by_id);
    if (!index->objects || !index->by_id)
        return p11_error_text(error, P11_MEMORY, "out of memory");
    int64_t start = watch_now();
    for (size_t i = 0; i < handles->count; i++) {
        int r = take_in(fn, session, handles->list[i], index, error);
        if (r < 0)
            return r;
        if (r == UNREAD)
            index->unread[index->unread_count++] = handles->list[i];
        if (index->unread_count == i + 1 && watch_now() - start >= MUTE_MS)
            return P11_UNAVAILABLE;
    }
    return index->unread_count > 0 && index->unread_count == handles->count ? P11_UNAVAILABLE : 0;
}

static int compare_bytes(const void *a, size_t a_len, const void *b, size_t b_len)
{
    if (a_len != b_len)
        return a_len < b_len ? -1 : 1;
    return memcmp(a, b, a_len);
}

static int compare_ids(const struct object *a, const struct object *b)
{
    return compare_bytes(a->id, a->id_len, b->id, b->id_len);
}

static int by_label(const void *a, const void *b)
{
    const struct object *x = a, *y = b;
    int r = compare_bytes(x->label, x->label_len, y->label, y->label_len);
    return r ? r : compare_ids(x, y);
}

static int by_id(const void *a, const void *b)
{
    return compare_ids(*(struct object *const *)a, *(struct object *const *)b);
}

static void sort(struct index *index)
{
    qsort(index->objects, index->count, sizeof *index->objects, by_label);
    for (size_t i = 0; i < index->count; i++)
        index->by_id[i] = &index->objects[i];
    qsort(index->by_id, index->count, sizeof(struct object *), by_id);
}

int index_build(CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session, struct index *ret_index,
                struct p11_error *error)
{
    struct handles handles = {0};
    struct index index = {0};
    int r = find_all(fn, session, &handles, error);
    if (r == 0)
        r = read_all(fn, session, &handles, &index, error);
    else
        free(handles.list);
    if (r < 0) {
        index_clear(&index);
        return r;
    }
    sort(&index);
    *ret_index = index;
    return 0;
}

int index_read_again(CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session, struct index *index, long ms,
                     struct p11_error *error)
{
    int64_t end = watch_now() + ms;
    size_t before = index->count;
    int r = 0;
    for (size_t tries = index->unread_count; tries > 0 && r >= 0 && watch_now() < end; tries--) {
        size_t at = index->unread_next % index->unread_count;
        r = take_in(fn, session, index->unread[at], index, error);
        if (r == 0)
            index->unread[at] = index->unread[--index->unread_count];
        index->unread_next = r == UNREAD ? at + 1 : at;
    }
    if (index->count > before)
        sort(index);
    return r < 0 ? r : 0;
}

void index_clear(struct index *index)
{
    free(index->unread);
    free(index->objects);
    free(index->by_id);
    *index = (struct index){0};
}

static const struct object *at(const struct index *index, const struct index_query *query, size_t i)
{
    return query->label ? &index->objects[i] : index->by_id[i];
}

/* Orders an object against the query by the name that the chosen order is sorted by. */
static int against(const struct object *object, const struct index_query *query)
{
    if (query->label)
        return compare_bytes(object->label, object->label_len, query->label, query->label_len);
    return compare_bytes(object->id, object->id_len, query->id, query->id_len);
}

static size_t lower_bound(const struct index *index, const struct index_query *query)
{
    size_t low = 0, high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (against(at(index, query, middle), query) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t index_find(const struct index *index, const struct index_query *query, size_t nth,
                  const struct object **ret_object)
{
    size_t matches = 0;
    for (size_t i = lower_bound(index, query); i < index->count; i++) {
        const struct object *object = at(index, query, i);
        if (against(object, query) != 0)
            break;
        if (object->object_class != query->object_class)
            continue;
        if (query->id && compare_bytes(object->id, object->id_len, query->id, query->id_len) != 0)
            continue;
        if (matches++ == nth)
            *ret_object = object;
    }
    return matches;
}
