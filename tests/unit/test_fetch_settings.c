/* Tests of agent/fetch/settings.c: what is taken from the agent's configuration. */
#include "config.h"
#include "agent/fetch/settings.h"
#include "agent/provider_keys_file.h"
#include "tests/unit/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static char error[SETTINGS_ERROR_MAX];

static int setup(void **state)
{
    scratch_open(state);
    scratch_folder("profiles.d");
    return 0;
}

/* agent.json with these members behind "profiles_dir". */
static void write_agent(const char *members)
{
    char json[1024];
    snprintf(json, sizeof json, "{ 'profiles_dir': '%s'%s%s }", scratch_path("profiles.d"),
             members[0] ? ", " : "", members);
    scratch_json("agent.json", json);
}

static struct settings *load(void)
{
    struct settings *settings = NULL;
    if (settings_load(scratch_path("agent.json"), &settings, error) < 0)
        fail_msg("%s", error);
    return settings;
}

static void assert_refused(const char *words)
{
    struct settings *settings = NULL;
    assert_int_equal(settings_load(scratch_path("agent.json"), &settings, error), -1);
    assert_null(settings);
    if (!strstr(error, words))
        fail_msg("%s", error);
}

static void defaults(void **state)
{
    (void)state;
    write_agent("'tokens': 'whatever the agent says to it'");
    struct settings *settings = load();
    assert_string_equal(settings->keys_dir, PROVIDER_KEYS_DIR);
    assert_null(settings->ca_file);
    assert_null(settings->proxy);
    assert_int_equal(settings->issuer_count, 0);
    settings_free(settings);
}

static void members_of_agent_json(void **state)
{
    (void)state;
    write_agent("'provider_keys_dir': '/keys', 'fetch': { 'description': 'why',"
                " 'ca_file': '/ca.pem', 'proxy': 'http://proxy.example:3128' }");
    struct settings *settings = load();
    assert_string_equal(settings->keys_dir, "/keys");
    assert_string_equal(settings->ca_file, "/ca.pem");
    assert_string_equal(settings->proxy, "http://proxy.example:3128");
    settings_free(settings);
}

static void wrong_members_of_agent_json(void **state)
{
    (void)state;
    write_agent("'provider_keys_dir': 'keys'");
    assert_refused("agent.json:1: provider_keys_dir: must be an absolute path");
    write_agent("'fetch': []");
    assert_refused("fetch: must be an object");
    write_agent("'fetch': { 'ca_file': 'ca.pem' }");
    assert_refused("fetch.ca_file: must be an absolute path");
    write_agent("'fetch': { 'proxy': '' }");
    assert_refused("fetch.proxy: must have 1 to");
    write_agent("'fetch': { 'ca': '/ca.pem' }");
    assert_refused("fetch.ca: there is no such member");
    scratch_json("agent.json", "{ 'profiles_dir': '/nowhere/profiles' }");
    assert_refused("/nowhere/profiles: No such file");
    scratch_json("agent.json", "{");
    assert_refused("agent.json:1: ");
}

static void issuers_of_profiles_that_seal(void **state)
{
    (void)state;
    write_agent("");
    scratch_json("profiles.d/plain.json", "{ 'audiences': [ 'not a URL' ], 'kind': 7 }");
    scratch_json("profiles.d/a.json", "{ 'audiences': [ 'https://one.example' ], 'seal': {} }");
    scratch_json("profiles.d/b.json",
                 "{ 'seal': { 'alg': [], 'enc': 0, 'max_stale': 7200 },"
                 "  'audiences': [ 'https://two.example', 'https://one.example' ] }");
    scratch_json("profiles.d/c.json", "{ 'seal': { 'max_stale': 100000, 'without_use': true },"
                                      "  'audiences': [ 'https://two.example' ] }");
    scratch_write("profiles.d/.hidden.json", "not JSON");
    scratch_write("profiles.d/README", "not JSON");
    struct settings *settings = load();
    assert_int_equal(settings->issuer_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct settings_issuer *issuer = &settings->issuers[i];
        assert_int_equal(issuer->max_stale, 7200);
        assert_int_equal(issuer->without_use, strcmp(issuer->issuer, "https://two.example") == 0);
    }
    assert_string_not_equal(settings->issuers[0].issuer, settings->issuers[1].issuer);
    settings_free(settings);
}

static void keys_serve_for_a_day(void **state)
{
    (void)state;
    write_agent("");
    scratch_json("profiles.d/a.json", "{ 'audiences': [ 'https://one.example' ], 'seal': {} }");
    struct settings *settings = load();
    assert_int_equal(settings->issuers[0].max_stale, PROVIDER_KEYS_MAX_STALE);
    settings_free(settings);
}

static void wrong_profiles(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{ 'seal': {} }", "p.json:1: \"audiences\" is missing"},
        {"{ 'seal': [], 'audiences': [ 'https://a' ] }", "seal: must be an object"},
        {"{ 'seal': { 'max_stale': 59 }, 'audiences': [ 'https://a' ] }", "seal.max_stale: "},
        {"{ 'seal': {}, 'audiences': 'https://a' }", "audiences: must be an array"},
        {"{ 'seal': {}, 'audiences': [ 'http://a' ] }", "audiences[0]: must be an https URL"},
        {"{ 'seal': {}, 'audiences': [ 'https://a', 'https://a?b' ] }", "audiences[1]: must be"},
        {"{ 'seal': {}, 'audiences': [ null ] }", "audiences[0]: must be an https URL"},
        {"[ 'seal' ]", "must be an object"},
        {"{ 'seal': {}", "p.json:1: "},
    };
    write_agent("");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        scratch_json("profiles.d/p.json", cases[i][0]);
        assert_refused(cases[i][1]);
    }
}

#define in_scratch(test) cmocka_unit_test_setup_teardown(test, setup, scratch_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_scratch(defaults),
        in_scratch(members_of_agent_json),
        in_scratch(wrong_members_of_agent_json),
        in_scratch(issuers_of_profiles_that_seal),
        in_scratch(keys_serve_for_a_day),
        in_scratch(wrong_profiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
