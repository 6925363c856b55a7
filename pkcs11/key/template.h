/* The attributes that a new key is asked for with. */
#ifndef HINTSIGN_KEY_TEMPLATE_H
#define HINTSIGN_KEY_TEMPLATE_H

#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEMPLATE_MAX 32

/* What a key is for. */
enum template_use {
    TEMPLATE_SIGN,   /* signs and verifies */
    TEMPLATE_UNWRAP, /* unwraps keys that come from outside */
    TEMPLATE_USES,
};

struct template
{
    CK_ATTRIBUTE attributes[TEMPLATE_MAX];
    CK_ULONG count;
    unsigned optional; /* the last so many may be left out */
};

/* Begins with CKA_CLASS; then come the caller's attributes, whose values he keeps; at last
 * template_finish adds how the key is protected and what it may do. */
void template_begin(struct template *template, CK_OBJECT_CLASS object_class);
void template_add(struct template *template, CK_ATTRIBUTE_TYPE type, const void *value,
                  size_t length);
void template_finish(struct template *template, enum template_use use);

/* Makes the key, of a finished template, an object that vanishes with its session. */
void template_for_session(struct template *template);

/* Tokens refuse attributes that they do not know without saying which. So we ask again, each
 * time without others of the optional ones: first all, then all but one, then ever fewer. These
 * say how often to ask, and which to leave out in attempt 0, 1, ...: a bit each. */
unsigned template_attempts(unsigned optional);
uint32_t template_left_out(unsigned optional, unsigned attempt);
bool template_refused(CK_RV rv);

/* The attempt that leaves out the two optional attributes which stand first: of a public template,
 * or one and a private one behind it, CKA_VERIFY and CKA_ENCRYPT. */
unsigned template_attempt_without_two(unsigned optional);

/* The template without these of its optional attributes. */
struct template template_without(const struct template *template, uint32_t left_out);

#endif
