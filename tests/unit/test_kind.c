/* Tests of the table of kinds; what their tokens look like is in test_compose.c. */
#include "config.h"
#include "agent/kind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void claims_of_the_agent(void **state)
{
    static const char *const reserved[] = {
        "iss",       "aud",           "iat",          "exp",     "nbf",         "jti",
        "client_id", "uid",           "scope",        "azp",     "act",         "cnf",
        "nonce",     "response_type", "redirect_uri", "request", "request_uri",
    };
    static const char *const free_ones[] = {"sub", "tid", "email", "sub_id", "uidx", ""};
    (void)state;
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        assert_true(kind_is_reserved(reserved[i]));
    for (size_t i = 0; i < sizeof free_ones / sizeof free_ones[0]; i++)
        assert_false(kind_is_reserved(free_ones[i]));
}

/* No kind gives a caller what belongs to the agent, and only a client assertion names its client.
 */
static void no_kind_breaks_the_rules(void **state)
{
    (void)state;
    size_t i = 0;
    for (; kind_at(i); i++) {
        const struct kind *kind = kind_at(i);
        assert_false(kind->first && kind_is_reserved(kind->first));
        assert_false(kind->last && kind_is_reserved(kind->last));
        assert_int_equal(kind->may_name_issuer, strcmp(kind->name, "client_assertion") == 0);
    }
    assert_in_range(i, 6, SIZE_MAX);
    assert_null(kind_at(SIZE_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims_of_the_agent),
        cmocka_unit_test(no_kind_breaks_the_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
