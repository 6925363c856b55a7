/* The keys of a token, found in one pass and looked up by label and id ever after. */
#ifndef HINTSIGN_PKCS11_INDEX_H
#define HINTSIGN_PKCS11_INDEX_H

#include "pkcs11/object.h"

#define INDEX_OBJECTS_MAX 100000

struct index {
    struct object *objects; /* sorted by label, then id */
    struct object **by_id;
    size_t count;
    /* Objects that are there and cannot be read, all with errors that may be their own: */
    CK_OBJECT_HANDLE *unread;
    size_t unread_count;
    size_t unread_next;            /* that is read again first */
    struct p11_error unread_error; /* of one of them */
};

/* What a key is named by (RFC 7512 section 2.3: object, id). NULL members match anything; at
 * least one of label and id is given. */
struct index_query {
    CK_OBJECT_CLASS object_class;
    const void *label;
    size_t label_len;
    const void *id;
    size_t id_len;
};

/* Reads every key object that the session shows, but for single ones that cannot be read. Errors:
 * P11_MEMORY, P11_UNAVAILABLE. */
int index_build(CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session, struct index *ret_index,
                struct p11_error *error);

/* Reads objects again that could not be read; those that can are found from now on. Begins none
 * when `ms` have passed, and continues there the next time. Errors: P11_UNAVAILABLE (it is not
 * about single objects). */
int index_read_again(CK_FUNCTION_LIST *fn, CK_SESSION_HANDLE session, struct index *index, long ms,
                     struct p11_error *error);

/* Frees what the index holds; it is empty afterwards. */
void index_clear(struct index *index);

/* Returns how many objects match; *ret_object is the one at position `nth` among them, if there are
 * so many. */
size_t index_find(const struct index *index, const struct index_query *query, size_t nth,
                  const struct object **ret_object);

#endif
