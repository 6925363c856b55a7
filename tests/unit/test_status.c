/* Tests of what the agent says of itself: shaped as declared, and to each caller his own. */
#include "config.h"
#include "agent/status.h"
#include "agent/interface.h"
#include "agent/refusal.h"

#include "tests/unit/given.h"
#include "tests/unit/idl.h"
#include "tests/unit/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct idl idl;
static struct service *service;
static const struct peer web = {.listener = "default", .identified = true, .uid = 1000};
static const struct peer root = {.listener = "default", .identified = true, .uid = 0};
static const struct peer stranger = {.listener = "default", .identified = true, .uid = 1001};

static int open_service(void **state)
{
    scratch_open(state);
    given_profile("b-mine", "{" GIVEN_PROFILE ",'kind':'authway','client_id':'a',"
                            "'audiences':['https://1','https://2'],'allow':[{'uid':1000}],"
                            "'accept':{'email':'email','phone':'e164'},'required':['tid'],"
                            "'one_of':[['email','phone'],['sub']]}");
    given_profile("a-mine", "{" GIVEN_PROFILE ",'kind':'client_assertion','client_id':'a',"
                            "'audiences':['c'],'allow':[{'uid':1000}]}");
    given_profile("theirs", "{" GIVEN_PROFILE ",'kind':'pingone','client_id':'a',"
                            "'audiences':['c'],'allow':[{'uid':7}]}");
    idl_read(interface_agent, &idl);
    service = given_service();
    return 0;
}

static int end_service(void **state)
{
    given_end(service);
    return scratch_close(state);
}

/* The parameters that were written, as the method's reply has them. */
static json_t *parsed(struct text *out, const struct idl *of, const char *method)
{
    assert_false(out->failed);
    json_t *parameters = json_loadb(out->data, out->length, JSON_REJECT_DUPLICATES, NULL);
    if (!idl_fits(of, &idl_find(of, "method", method)->out, parameters))
        fail_msg("%s: %.*s", method, (int)out->length, out->data);
    text_free(out);
    return parameters;
}

static json_t *status_for(const struct peer *peer)
{
    struct text out = {0};
    status_write(service, service->conf, peer, &out);
    return parsed(&out, &idl, "GetStatus");
}

static void set_ready(const char *profile, bool ready)
{
    atomic_store(&conf_profile(service->conf, profile)->key->ready, ready);
}

static const char *string_at(const json_t *array, size_t index, const char *name)
{
    return json_string_value(json_object_get(json_array_get(array, index), name));
}

static bool is_ready(const json_t *array, size_t index)
{
    return json_is_true(json_object_get(json_array_get(array, index), "ready"));
}

static void health(void **state)
{
    (void)state;
    json_t *status = status_for(&web);
    const json_t *tokens = json_object_get(status, "tokens");
    assert_string_equal(json_string_value(json_object_get(status, "version")), PACKAGE_VERSION);
    assert_int_equal(json_integer_value(json_object_get(status, "configuration")), 1);
    assert_false(json_is_true(json_object_get(status, "ready")));
    assert_int_equal(json_array_size(tokens), 1);
    assert_string_equal(string_at(tokens, 0, "name"), "a");
    assert_string_equal(string_at(tokens, 0, "state"), "down");
    assert_true(
        json_is_boolean(json_object_get(json_object_get(status, "protections"), "undumpable")));
    json_decref(status);
}

static void profiles_of_the_caller_alone(void **state)
{
    (void)state;
    set_ready("b-mine", true);
    json_t *status = status_for(&web);
    const json_t *profiles = json_object_get(status, "profiles");
    assert_int_equal(json_array_size(profiles), 2);
    assert_string_equal(string_at(profiles, 0, "name"), "a-mine");
    assert_false(is_ready(profiles, 0));
    assert_non_null(string_at(profiles, 0, "reason"));
    assert_string_equal(string_at(profiles, 1, "name"), "b-mine");
    assert_true(is_ready(profiles, 1));
    assert_null(string_at(profiles, 1, "reason"));
    json_decref(status);

    status = status_for(&stranger);
    assert_int_equal(json_array_size(json_object_get(status, "profiles")), 0);
    char *text = json_dumps(status, 0);
    assert_null(strstr(text, "mine"));
    assert_null(strstr(text, "theirs"));
    free(text);
    json_decref(status);
}

/* A rule that no caller can match is told, and makes nothing less ready. */
static void rules_by_unit_that_match_nobody(void **state)
{
    (void)state;
    given_profile("c-mine", "{" GIVEN_PROFILE ",'kind':'client_assertion','client_id':'a',"
                            "'audiences':['c'],'allow':[{'unit':'a.service'},{'uid':1000}]}");
    given_reload(service);
    set_ready("c-mine", true);
    json_t *status = status_for(&web);
    assert_string_equal(json_string_value(json_object_get(status, "peer_pid")), "pidfd");
    assert_null(json_object_get(status, "peer_pid_problem"));
    assert_null(string_at(json_object_get(status, "profiles"), 2, "warning"));
    json_decref(status);

    service->sight = (struct peer_sight){PEER_PID_NONE, "blind"};
    status = status_for(&web);
    const json_t *profiles = json_object_get(status, "profiles");
    assert_string_equal(json_string_value(json_object_get(status, "peer_pid")), "none");
    assert_string_equal(json_string_value(json_object_get(status, "peer_pid_problem")), "blind");
    assert_string_equal(string_at(profiles, 2, "name"), "c-mine");
    assert_true(is_ready(profiles, 2));
    assert_string_equal(string_at(profiles, 2, "warning"), "its rules by unit match nobody");
    assert_null(string_at(profiles, 1, "warning"));
    json_decref(status);
}

/* The profile mints all the same. */
static void a_next_key_that_is_not_there(void **state)
{
    (void)state;
    given_profile("a-mine",
                  "{" GIVEN_PROFILE ",'kind':'client_assertion','client_id':'a',"
                  "'audiences':['c'],'allow':[{'uid':1000}],'next_key':'pkcs11:object=n'}");
    given_reload(service);
    set_ready("a-mine", true);
    json_t *status = status_for(&web);
    const json_t *profiles = json_object_get(status, "profiles");
    assert_true(is_ready(profiles, 0));
    assert_string_equal(string_at(profiles, 0, "warning"), "next_key: not looked for yet");
    assert_null(string_at(profiles, 1, "warning"));
    json_decref(status);

    service->sight = (struct peer_sight){PEER_PID_NONE, "blind"};
    struct key *key = conf_profile(service->conf, "a-mine")->key;
    struct key *next = conf_profile(service->conf, "a-mine")->next_key;
    strcpy(key->digest, "ab");
    strcpy(next->digest, "ab");
    atomic_store(&key->named, true);
    atomic_store(&next->named, true);
    atomic_store(&next->ready, true);
    status = status_for(&web);
    assert_string_equal(string_at(json_object_get(status, "profiles"), 0, "warning"),
                        "next_key: it is the same key as \"key\"");
    json_decref(status);

    strcpy(next->digest, "cd");
    status = status_for(&web);
    assert_null(string_at(json_object_get(status, "profiles"), 0, "warning"));
    json_decref(status);
}

/* Of every profile, also of those that he may not use. */
static void numbers_for_administrators(void **state)
{
    (void)state;
    metrics_count(conf_profile(service->conf, "theirs")->counts, 0);
    metrics_count(conf_profile(service->conf, "theirs")->counts, REFUSAL_LOCKED);
    metrics_count(&service->metrics.refused, REFUSAL_NOT_ALLOWED);
    json_t *status = status_for(&web);
    assert_null(json_object_get(status, "metrics"));
    json_decref(status);

    status = status_for(&root);
    const json_t *metrics = json_object_get(status, "metrics");
    const json_t *profiles = json_object_get(metrics, "profiles");
    char *counts = json_dumps(json_object_get(json_array_get(profiles, 2), "requests"), 0);
    char *refused = json_dumps(json_object_get(metrics, "refused"), 0);
    assert_int_equal(json_array_size(profiles), 3);
    assert_string_equal(string_at(profiles, 2, "name"), "theirs");
    assert_string_equal(counts, "{\"issued\": 1, \"Locked\": 1}");
    assert_string_equal(refused, "{\"NotAllowed\": 1}");
    assert_string_equal(string_at(json_object_get(metrics, "modules"), 0, "name"), "/nowhere.so");
    free(refused);
    free(counts);
    json_decref(status);
}

/* `ready` speaks for every profile, also for those that the caller does not see. */
static void ready_means_all(void **state)
{
    static const char *const names[] = {"a-mine", "b-mine", "theirs"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        json_t *status = status_for(&stranger);
        assert_false(json_is_true(json_object_get(status, "ready")));
        json_decref(status);
        set_ready(names[i], true);
    }
    json_t *status = status_for(&stranger);
    assert_true(json_is_true(json_object_get(status, "ready")));
    json_decref(status);
}

static void profiles_and_what_they_accept(void **state)
{
    struct text out = {0};
    (void)state;
    set_ready("a-mine", true);
    status_write_profiles(service->conf, &web, &out);
    char *wanted =
        quoted("{'profiles':[{'name':'a-mine','kind':'client_assertion','algorithm':'HS256',"
               "'audiences':['c'],'accept':[],'required':[],'one_of':[],'ready':true},"
               "{'name':'b-mine','kind':'authway','algorithm':'HS256','audiences':['https://1',"
               "'https://2'],'accept':['sub','email','phone','tid'],'required':['tid'],"
               "'one_of':[['email','phone'],['sub'],['sub','email','phone']],'ready':false}]}");
    assert_int_equal(out.length, strlen(wanted));
    assert_memory_equal(out.data, wanted, out.length);
    free(wanted);
    json_decref(parsed(&out, &idl, "ListProfiles"));

    status_write_profiles(service->conf, &stranger, &out);
    json_t *profiles = parsed(&out, &idl, "ListProfiles");
    assert_int_equal(json_array_size(json_object_get(profiles, "profiles")), 0);
    json_decref(profiles);
}

static void the_service_itself(void **state)
{
    static struct idl varlink;
    struct text out = {0};
    (void)state;
    idl_read(interface_service, &varlink);
    interface_write_info("io.hintsign.Agent", &out);
    json_t *info = parsed(&out, &varlink, "GetInfo");
    const json_t *interfaces = json_object_get(info, "interfaces");
    assert_int_equal(json_array_size(interfaces), 2);
    /* Whatever is named can be described. */
    for (size_t i = 0; i < 2; i++) {
        const char *name = json_string_value(json_array_get(interfaces, i));
        char line[64] = "interface ";
        assert_int_equal(interface_write_description("io.hintsign.Agent", name, &out), 0);
        json_t *reply = parsed(&out, &varlink, "GetInterfaceDescription");
        strcat(strcat(line, name), "\n");
        assert_non_null(strstr(json_string_value(json_object_get(reply, "description")), line));
        json_decref(reply);
    }
    json_decref(info);
    assert_int_equal(interface_write_description("io.hintsign.Agent", "io.hintsign", &out),
                     REFUSAL_INTERFACE_NOT_FOUND);
    assert_int_equal(interface_write_description("io.hintsign.Agent", "", &out),
                     REFUSAL_INTERFACE_NOT_FOUND);
    assert_int_equal(out.length, 0);
}

/* Clients read the very text of the file. */
static void the_interface_to_the_byte(void **state)
{
    struct text out = {0};
    static char file[32768];
    (void)state;
    FILE *stream = fopen(INTERFACE_FILE, "r");
    assert_non_null(stream);
    size_t length = fread(file, 1, sizeof file, stream);
    fclose(stream);
    assert_in_range(length, 1, sizeof file - 1);
    assert_int_equal(interface_write_description("io.hintsign.Agent", "io.hintsign.Agent", &out),
                     0);
    json_t *reply = json_loadb(out.data, out.length, 0, NULL);
    const json_t *description = json_object_get(reply, "description");
    assert_int_equal(json_string_length(description), length);
    assert_memory_equal(json_string_value(description), file, length);
    json_decref(reply);
    text_free(&out);
}

#define test(name) cmocka_unit_test_setup_teardown(name, open_service, end_service)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(health),
        test(profiles_of_the_caller_alone),
        test(rules_by_unit_that_match_nobody),
        test(a_next_key_that_is_not_there),
        test(numbers_for_administrators),
        test(ready_means_all),
        test(profiles_and_what_they_accept),
        test(the_service_itself),
        test(the_interface_to_the_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
