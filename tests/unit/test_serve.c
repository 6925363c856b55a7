/* Tests of the line from message to reply, over a connection: what is recorded, and what not. */
#include "config.h"
#include "agent/serve.h"

#include "tests/unit/given.h"
#include "tests/unit/scratch.h"
#include "tests/unit/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define INFO   "{'method':'org.varlink.service.GetInfo'}"
#define STATUS "{'method':'io.hintsign.Agent.GetStatus'}"
#define LIST   "{'method':'io.hintsign.Agent.ListProfiles'}"
#define MINT                                                                                       \
    "{'method':'io.hintsign.Agent.Mint',"                                                          \
    "'parameters':{'profile':'%s','claims':{'sub':'Bob-77'}}%s}"

#define assert_replied(part) assert_true(wire_replied(part))

static struct service *service;

/* What is wrong with a good message ends nothing. */
static void errors_that_end_nothing(void **state)
{
    (void)state;
    wire_call("{'method':'io.hintsign.Agent.Burn'}");
    wire_call("{'method':'org.example.A.B'}");
    wire_call("{'method':'io.hintsign.Admin.MintNext','parameters':{'profile':'mine'}}");
    wire_call(STATUS);
    wire_call("{'method':'io.hintsign.Agent.Mint','parameters':{'profile':7}}");
    wire_call("{'method':'io.hintsign.Agent.GetStatus','upgrade':true}");
    wire_call("{'method':'io.hintsign.Agent.GetStatus','more':true}");
    assert_int_equal(wire_serve(), CONN_READ);
    assert_replied("MethodNotFound','parameters':{'method':'io.hintsign.Agent.Burn'}}");
    assert_replied("InterfaceNotFound','parameters':{'interface':'org.example.A'}}");
    assert_replied("InterfaceNotFound','parameters':{'interface':'io.hintsign.Admin'}}");
    assert_replied("'tokens'");
    assert_replied("InvalidParameter','parameters':{'parameter':'profile'}}");
    assert_replied("InvalidParameter','parameters':{'parameter':'upgrade'}}");
    assert_replied("'tokens'");
    assert_true(wire_silent());
}

static size_t count_records(const char *part)
{
    char *text = scratch_read("audit.jsonl", NULL), *wanted = quoted(part);
    size_t count = 0;
    for (char *at = text; (at = strstr(at, wanted)); at += strlen(wanted))
        count++;
    free(wanted);
    free(text);
    return count;
}

/* The key is not ready; who may not use the profile does not learn that. */
static void every_decision_is_recorded(void **state)
{
    (void)state;
    wire_call(MINT, "mine", "");
    wire_call(MINT, "theirs", "");
    wire_call(MINT, "nowhere", "");
    wire_call(MINT, "No Name", "");
    wire_call(LIST);
    assert_int_equal(wire_serve(), CONN_READ);
    assert_replied("{'error':'io.hintsign.Agent.TokenUnavailable'");
    char forbidden[512];
    const char *text = wire_reply();
    assert_non_null(strstr(text, "NotAllowed"));
    snprintf(forbidden, sizeof forbidden, "%s", text);
    assert_string_equal(wire_reply(), forbidden);
    assert_string_equal(wire_reply(), forbidden);
    assert_replied("'profiles':[{'name':'mine'");
    assert_int_equal(count_records("'type':'mint'"), 4);
    assert_int_equal(count_records("'profile':'mine','allow':0"), 1);
    assert_int_equal(count_records("'error':'TokenUnavailable'"), 1);
    assert_int_equal(count_records("'profile':'theirs','error':'NotAllowed'"), 1);
    assert_int_equal(count_records("'profile':'nowhere','error':'NotAllowed'"), 1);
    assert_int_equal(count_records("No Name"), 0);
    assert_int_equal(count_records("Bob"), 0); /* no values of claims */
}

/* Of a caller from another user namespace, that he is one; he himself is not told. */
static void who_called_is_recorded(void **state)
{
    struct peer *peer = &wire_conn->peer;
    char forbidden[512];
    (void)state;
    free(peer->unit);
    peer->unit = strdup("portal.service");
    peer->identified = true;
    wire_call(MINT, "theirs", "");
    assert_int_equal(wire_serve(), CONN_READ);
    snprintf(forbidden, sizeof forbidden, "%s", wire_reply());
    assert_int_equal(count_records("'unit':'portal.service','configuration':1,'profile':'theirs'"),
                     1);
    assert_int_equal(count_records("'uid':"), 1);

    peer->identified = false;
    wire_call(MINT, "theirs", "");
    wire_call(MINT, "mine", ""); /* by the listener */
    assert_int_equal(wire_serve(), CONN_READ);
    assert_string_equal(wire_reply(), forbidden);
    assert_replied("TokenUnavailable");
    assert_int_equal(count_records("'profile':'theirs','error':'Unidentified'"), 1);
    assert_int_equal(count_records("'error':'TokenUnavailable'"), 1);
    assert_int_equal(count_records("'uid':"), 1);
}

/* All get the same answer; ten get a record. */
static void a_flood_of_refusals(void **state)
{
    (void)state;
    for (int i = 0; i < SERVE_BATCH_MAX - 1; i++)
        wire_call(MINT, i % 2 ? "theirs" : "nowhere", "");
    wire_call(MINT, "mine", "");
    assert_int_equal(wire_serve(), CONN_READ);
    for (int i = 0; i < SERVE_BATCH_MAX - 1; i++)
        assert_replied("NotAllowed");
    assert_replied("TokenUnavailable");
    assert_true(wire_silent());
    assert_int_equal(count_records("NotAllowed"), 10);
    assert_int_equal(count_records("TokenUnavailable"), 1); /* decisions of profiles all are */
    assert_true(wire_conn->resume > 0);
}

/* Every request counts that the profile allows, also one that it refuses. */
static void a_rate_limit(void **state)
{
    (void)state;
    given_profile("mine", "{" GIVEN_PROFILE ",'kind':'pingone','client_id':'a','audiences':['b'],"
                          "'allow':[{'listener':'default'}],"
                          "'rate_limit':{'per_second':1,'burst':3}}");
    given_reload(service);
    wire_call("{'method':'io.hintsign.Agent.Mint','parameters':{'profile':'mine'}}");
    for (int i = 0; i < 42; i++)
        wire_call(MINT, "mine", "");
    assert_int_equal(wire_serve(), CONN_READ);
    assert_replied("InvalidClaim");
    assert_replied("TokenUnavailable");
    assert_replied("TokenUnavailable");
    for (int i = 0; i < 40; i++)
        assert_replied("{'error':'io.hintsign.Agent.RateLimited','parameters':{'message':"
                       "'The profile is asked for too often.','retry_after_ms':");
    assert_int_equal(count_records("'profile':'mine','allow':0,"), 13);
    assert_int_equal(count_records("'alg':'HS256','error':'RateLimited'"), 10);
    given_reload(service); /* changes nothing */
    wire_call(MINT, "mine", "");
    assert_int_equal(wire_serve(), CONN_READ);
    assert_replied("RateLimited");
}

static void oneway_is_not_answered(void **state)
{
    (void)state;
    wire_call(MINT, "mine", ",'oneway':true");
    wire_call("{'method':'io.hintsign.Agent.Burn','oneway':true}");
    wire_call("{'method':'org.varlink.service.GetInfo','oneway':true}");
    wire_call(LIST);
    assert_int_equal(wire_serve(), CONN_READ);
    assert_replied("'profiles'");
    assert_true(wire_silent());
    assert_int_equal(count_records("'type':'mint'"), 1);
}

/* Without the log only what needs no record is answered, at its place. */
static void a_log_that_cannot_be_written(void **state)
{
    (void)state;
    wire_call(LIST);
    wire_call(MINT, "mine", "");
    wire_call(MINT, "mine", ",'oneway':true");
    wire_call(INFO);
    wire_call(MINT, "nowhere", "");
    scratch_limit(1);
    enum conn_wait wait = wire_serve();
    scratch_limit(RLIM_INFINITY);
    assert_int_equal(wait, CONN_READ);
    assert_replied("'profiles'");
    assert_replied("AuditUnavailable");
    assert_replied("'vendor'");
    assert_replied("AuditUnavailable");
    assert_true(wire_silent());
    assert_int_equal(count_records("seq"), 0);
    wire_call(MINT, "mine", "");
    assert_int_equal(wire_serve(), CONN_READ);
    assert_replied("TokenUnavailable");
    assert_int_equal(count_records("'seq':1"), 1);
}

static uint64_t counted(const char *profile, int code)
{
    const struct metrics_counts *counts =
        profile ? conf_profile(service->conf, profile)->counts : &service->metrics.refused;
    return metrics_counted(counts, (size_t)-code);
}

/* As what its caller was told; only those for profiles that he may use have a name and a time. */
static void each_request_is_counted(void **state)
{
    struct metrics_times times;
    uint64_t timed = 0;
    (void)state;
    wire_call(MINT, "mine", "");
    wire_call(MINT, "mine", ",'oneway':true");
    wire_call("{'method':'io.hintsign.Agent.Mint','parameters':{'profile':'mine'}}");
    wire_call(MINT, "theirs", "");
    wire_call(MINT, "nowhere", "");
    wire_call("{'method':'io.hintsign.Agent.Mint'}");
    wire_call(STATUS);
    wire_call(LIST);
    assert_int_equal(wire_serve(), CONN_READ);
    wire_call(MINT, "mine", "");
    scratch_limit(1);
    wire_serve();
    scratch_limit(RLIM_INFINITY);
    wire_call("nothing");
    assert_int_equal(wire_serve(), CONN_CLOSE);
    assert_int_equal(counted("mine", 0), 0);
    assert_int_equal(counted("mine", REFUSAL_TOKEN_UNAVAILABLE), 2);
    assert_int_equal(counted("mine", REFUSAL_INVALID_CLAIM), 1);
    assert_int_equal(counted("mine", REFUSAL_AUDIT_UNAVAILABLE), 1);
    assert_int_equal(counted(NULL, REFUSAL_NOT_ALLOWED), 2);
    assert_int_equal(counted(NULL, REFUSAL_INVALID_PARAMETER), 1);
    assert_int_equal(counted(NULL, REFUSAL_INVALID_MESSAGE), 1);
    for (int code = 0; code > -METRICS_OUTCOMES; code--)
        assert_int_equal(counted("theirs", code), 0);
    metrics_times(&service->metrics, &times);
    for (size_t i = 0; i < METRICS_BUCKETS; i++)
        timed += times.buckets[i];
    assert_int_equal(timed, 4);
    assert_true(times.sum > 0);
}

/* Memory ran out, and then the log failed: what is left of the replies must not leave. */
static void a_failure_on_top_of_another(void **state)
{
    struct serving own = {.service = service};
    struct peer peer = wire_conn->peer;
    struct conf *conf = service_conf(service);
    char *message = quoted("{'method':'io.hintsign.Agent.Mint','parameters':{'profile':'mine'}}");
    (void)state;
    assert_true(serve_message(&own, conf, &peer, message, strlen(message)));
    own.replies.failed = true;
    scratch_limit(1);
    serve_commit(&own);
    scratch_limit(RLIM_INFINITY);
    assert_true(own.replies.failed);
    serve_free(&own);
    conf_unref(conf);
    free(message);
}

/* 270 profiles with 63 KiB of audiences each. */
static void a_reply_without_end(void **state)
{
    struct text profile = {0};
    char name[16];
    (void)state;
    text_put(&profile, "{" GIVEN_PROFILE ",'kind':'pingone','client_id':'a',"
                       "'allow':[{'listener':'default'}],'audiences':['b'");
    for (int i = 0; i < 63; i++) {
        char *end = text_reserve(&profile, 1200);
        profile.length += (size_t)sprintf(end, ",'%01000d'", i);
    }
    text_add(&profile, "]}", 3);
    for (int i = 0; i < 270; i++) {
        snprintf(name, sizeof name, "long%d", i);
        given_profile(name, profile.data);
    }
    text_free(&profile);
    given_reload(service);
    wire_call(LIST);
    wire_call(INFO);
    assert_int_equal(wire_serve(), CONN_READ);
    assert_replied("{'error':'io.hintsign.Agent.Internal','parameters':{'message':"
                   "'The reply would be longer than 16 MiB");
    assert_replied("'vendor'");
    wire_call(LIST);
    assert_int_equal(wire_serve(), CONN_READ);
    assert_replied("Internal");
}

/* Policy is that of now, also on a connection of yesterday. */
static void a_reload_concerns_old_connections(void **state)
{
    (void)state;
    wire_call(MINT, "mine", "");
    assert_int_equal(wire_serve(), CONN_READ);
    assert_replied("TokenUnavailable");
    given_profile("mine", "{" GIVEN_PROFILE ",'kind':'pingone','client_id':'a','audiences':['b']}");
    given_reload(service);
    wire_call(MINT, "mine", "");
    wire_call(LIST);
    assert_int_equal(wire_serve(), CONN_READ);
    assert_replied("NotAllowed");
    assert_replied("{'profiles':[]}");
}

static int open_service(void **state)
{
    scratch_open(state);
    given_profile("mine", "{" GIVEN_PROFILE ",'kind':'pingone','client_id':'a','audiences':['b'],"
                          "'allow':[{'listener':'default'}]}");
    given_profile("theirs", "{" GIVEN_PROFILE ",'kind':'pingone','client_id':'a',"
                            "'audiences':['b'],'allow':[{'listener':'shop'}]}");
    service = given_service();
    wire_open(service, 0);
    return 0;
}

static int end_service(void **state)
{
    wire_close();
    given_end(service);
    return scratch_close(state);
}

#define test(name) cmocka_unit_test_setup_teardown(name, open_service, end_service)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(errors_that_end_nothing),
        test(every_decision_is_recorded),
        test(who_called_is_recorded),
        test(a_flood_of_refusals),
        test(a_rate_limit),
        test(oneway_is_not_answered),
        test(a_log_that_cannot_be_written),
        test(each_request_is_counted),
        test(a_reload_concerns_old_connections),
        test(a_failure_on_top_of_another),
        test(a_reply_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
