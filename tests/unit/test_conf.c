/* Tests of the configuration as a whole: agent.json and the folder of profiles. */
#include "config.h"
#include "agent/conf.h"

#include "tests/unit/given.h"
#include "tests/unit/members.h"
#include "tests/unit/scratch.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#define URI "pkcs11:token=a?module-path=/nowhere.so"

/* agent.json with every member; the folder of profiles is the scratch folder's. */
static void write_base(struct member base[8], char profiles_dir[300])
{
    snprintf(profiles_dir, 300, "'%s'", scratch_path("profiles.d"));
    const struct member members[] = {
        {"version", "1"},
        {"listeners", "[{'name':'default','path':'/run/a.sock'}]"},
        {"workers", "4"},
        {"tokens", "[{'name':'a','uri':'" URI "'}]"},
        {"profiles_dir", profiles_dir},
        {"audit", "{'path':'/var/log/a','sync':'interval'}"},
        {NULL, NULL},
    };
    memcpy(base, members, sizeof members);
}

/* Loads agent.json. Returns what is wrong, without the folder's path; "" for a good one. */
static const char *load(struct conf **ret_conf)
{
    static char error[CONF_ERROR_MAX];
    const char *folder = scratch_path("");
    error[0] = '\0';
    int r = conf_load(scratch_path("agent.json"), ret_conf, error);
    assert_int_equal(r, error[0] ? -1 : 0);
    return strncmp(error, folder, strlen(folder)) == 0 ? error + strlen(folder) : error;
}

static const char *load_with(const char *member, const char *value, struct conf **ret_conf,
                             size_t *ret_line)
{
    struct member base[8];
    char profiles_dir[300], text[MEMBERS_TEXT_MAX];
    write_base(base, profiles_dir);
    *ret_line = members_write(base, member, value, text);
    scratch_json("agent.json", text);
    return load(ret_conf);
}

struct wrong {
    const char *member;
    const char *value;
    size_t line; /* counted from the member's own */
    const char *error;
};

static void wrong_members(void **state)
{
    static const struct wrong cases[] = {
        {"version", "0", 0, "version: must be an integer from 1 to 1"},
        {"version", "true", 0, "version: must be an integer from 1 to 1"},
        {"tokens", NULL, 0, "\"tokens\" is missing"},
        {"token", "[]", 0, "token: there is no such member"},
        {"description", "[]", 0, "description: must be a string"},

        {"workers", "0", 0, "workers: must be an integer from 1 to 256"},
        {"limits", "{'connections':0}", 0,
         "limits.connections: must be an integer from 1 to 65536"},
        {"limits", "{'connections':65537}", 0,
         "limits.connections: must be an integer from 1 to 65536"},
        {"limits", "{'connections':10,'connections_per_uid':11}", 0,
         "limits: \"connections_per_uid\" is more than \"connections\""},
        {"limits", "{'receive_timeout':3601}", 0,
         "limits.receive_timeout: must be an integer from 1 to 3600"},
        {"limits", "{'send_timeout':0}", 0,
         "limits.send_timeout: must be an integer from 1 to 3600"},
        {"limits", "{'workers':1}", 0, "limits.workers: there is no such member"},
        {"workers", "257", 0, "workers: must be an integer from 1 to 256"},
        {"workers", "'16'", 0, "workers: must be an integer from 1 to 256"},
        {"peer_pid", "'none'", 0, "peer_pid: must be one of pidfd, best-effort"},

        {"listeners", "{}", 0, "listeners: must be an array"},
        {"listeners", "[]", 0, "listeners: must have 1 to 16 elements"},
        {"listeners", "[7]", 0, "listeners[0]: must be an object"},
        {"listeners", "[{'name':'a'}]", 0, "listeners[0]: \"path\" is missing"},
        {"listeners", "[{'path':'/a'}]", 0, "listeners[0]: \"name\" is missing"},
        {"listeners", "[{'name':7,'path':'/a'}]", 0, "listeners[0].name: must be a string"},
        {"listeners", "[{'name':'','path':'/a'}]", 0, "listeners[0].name: must have 1 to 64 bytes"},
        {"listeners", "[{'name':'a',\n'path':'a.sock'}]", 1,
         "listeners[0].path: must be an absolute path"},
        {"listeners", "[{'name':'a','path':''}]", 0, "listeners[0].path: must have 1 to 107 bytes"},
        {"listeners", "[{'name':'a','path':'/a\\u007f'}]", 0,
         "listeners[0].path: has a control character"},
        {"listeners", "[{'name':'a','path':'/a'},\n{'name':'a','path':'/b'}]", 1,
         "listeners[1]: has the name or the path of another listener"},
        {"listeners", "[{'name':'a','path':'/a'},\n{'name':'b','path':'/a'}]", 1,
         "listeners[1]: has the name or the path of another listener"},
        {"listeners", "[{'name':'a','path':'/a',\n'group':'no-such-group'}]", 1,
         "listeners[0].group: there is no group of that name"},
        {"listeners", "[{'name':'a','path':'/a','group':0}]", 0,
         "listeners[0].group: there is no group of that name"},
        {"listeners", "[{'name':'a','path':'/a','owner':'root'}]", 0,
         "listeners[0].owner: there is no such member"},

        {"tokens", "{}", 0, "tokens: must be an array"},
        {"tokens", "[]", 0, "tokens: must have 1 to 16 elements"},
        {"tokens", "[{'uri':'" URI "'}]", 0, "tokens[0]: \"name\" is missing"},
        {"tokens", "[{'name':'a'}]", 0, "tokens[0]: \"uri\" is missing"},
        {"tokens", "[{'name':'a',\n'uri':'pkcs11:token=a'}]", 1,
         "tokens[0].uri: the URI names no module: module-path= or module-name= is needed, and only "
         "one of them"},
        {"tokens", "[{'name':'a','uri':'pkcs11:token=a?module-path=/m.so&module-name=m'}]", 0,
         "tokens[0].uri: the URI names no module: module-path= or module-name= is needed, and only "
         "one of them"},
        {"tokens", "[{'name':'a','uri':'" URI "&pin-value=1234'}]", 0,
         "tokens[0].uri: pin-value is refused: put the PIN into a file and name it with "
         "pin-source=file:PATH"},
        {"tokens", "[{'name':'a','uri':'pkcs11:colour=red?module-path=/m.so'}]", 0,
         "tokens[0].uri: the URI has an attribute that is not known"},
        {"tokens", "[{'name':'a','uri':'" URI "','max_sessions':0}]", 0,
         "tokens[0].max_sessions: must be an integer from 1 to 1024"},
        {"tokens", "[{'name':'a','uri':'" URI "','max_sessions':1025}]", 0,
         "tokens[0].max_sessions: must be an integer from 1 to 1024"},
        {"tokens", "[{'name':'a','uri':'" URI "',\n'login':'auto'}]", 1,
         "tokens[0].login: must be one of pin, protected, none"},
        {"tokens", "[{'name':'a','uri':'" URI "'},\n{'name':'a','uri':'" URI "'}]", 1,
         "tokens[1]: has the name of another token"},
        {"tokens", "[{'name':'a','uri':'" URI "','pin':'1234'}]", 0,
         "tokens[0].pin: there is no such member"},

        {"profiles_dir", "'profiles.d'", 0, "profiles_dir: must be an absolute path"},
        {"profiles_dir", "[]", 0, "profiles_dir: must be a string"},

        {"audit", "'/var/log/a'", 0, "audit: must be an object"},
        {"audit", "{'path':'a'}", 0, "audit.path: must be an absolute path"},
        {"audit", "{\n'sync':'never'}", 1, "audit.sync: must be one of always, interval"},
        {"audit", "{'syncs':'always'}", 0, "audit.syncs: there is no such member"},
    };
    (void)state;
    scratch_folder("profiles.d");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct wrong *wrong = &cases[i];
        struct conf *conf = NULL;
        char wanted[512];
        size_t line = 0;
        const char *error = load_with(wrong->member, wrong->value, &conf, &line);
        snprintf(wanted, sizeof wanted, "agent.json:%zu: %s", line + wrong->line, wrong->error);
        conf_unref(conf);
        if (strcmp(error, wanted) != 0)
            fail_msg("%s = %s\n  gives: %s\n  wanted: %s", wrong->member,
                     wrong->value ? wrong->value : "nothing", error, wanted);
    }
}

static void modes(void **state)
{
    static const struct {
        const char *mode;
        int wanted; /* -1: refused */
    } cases[] = {
        {"'0660'", 0660}, {"'0600'", 0600},  {"'0777'", 0777},
        {"'0'", 0},       {"'00660'", 0660}, {"'660'", -1},
        {"660", -1},      {"'01777'", -1},   {"'0668'", -1},
        {"'0x1b0'", -1},  {"''", -1},        {"' 0660'", -1},
        {"'-0660'", -1},  {"'0660 '", -1},   {"'rw-rw----'", -1},
        {"null", -1},     {"'+0660'", -1},   {"'0000000000000000000000000000660x'", -1},
    };
    (void)state;
    scratch_folder("profiles.d");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct conf *conf = NULL;
        char value[128], wanted[128] = "";
        size_t line = 0;
        snprintf(value, sizeof value, "[{'name':'a','path':'/a','mode':%s}]", cases[i].mode);
        const char *error = load_with("listeners", value, &conf, &line);
        if (cases[i].wanted < 0)
            snprintf(wanted, sizeof wanted,
                     "agent.json:%zu: listeners[0].mode: must be octal "
                     "digits, such as \"0660\"",
                     line);
        assert_string_equal(error, wanted);
        assert_true((cases[i].wanted < 0) == !conf);
        if (conf)
            assert_int_equal(conf->listeners[0].mode, cases[i].wanted);
        conf_unref(conf);
    }
}

static void long_paths_of_sockets(void **state)
{
    char value[256], path[109] = "/";
    struct conf *conf = NULL;
    size_t line;
    (void)state;
    scratch_folder("profiles.d");
    memset(path + 1, 'x', 107);
    snprintf(value, sizeof value, "[{'name':'a','path':'%s'}]", path);
    assert_string_equal(load_with("listeners", value, &conf, &line),
                        "agent.json:3: listeners[0].path: must have 1 to 107 bytes");
    snprintf(value, sizeof value, "[{'name':'a','path':'%.107s'}]", path);
    assert_string_equal(load_with("listeners", value, &conf, &line), "");
    conf_unref(conf);
}

static void what_every_member_becomes(void **state)
{
    struct conf *conf = NULL;
    size_t line;
    (void)state;
    scratch_folder("profiles.d");
    assert_string_equal(load_with("tokens",
                                  "[{'name':'a','uri':'" URI
                                  "','max_sessions':3,'login':'protected',"
                                  "'description':'x'},{'name':'b','uri':'" URI "','login':'none'},"
                                  "{'name':'c','uri':'pkcs11:?module-name=softhsm2'}]",
                                  &conf, &line),
                        "");
    assert_int_equal(conf->generation, 1);
    assert_int_equal(conf->workers, 4);
    assert_int_equal(conf->listener_count, 1);
    assert_int_equal(conf->listeners[0].mode, 0660);
    assert_false(conf->listeners[0].has_group);
    assert_int_equal(conf->token_count, 3);
    assert_int_equal(conf->tokens[0].login, TOKEN_LOGIN_PROTECTED);
    assert_int_equal(conf->tokens[0].max_sessions, 3);
    assert_int_equal(conf->tokens[1].login, TOKEN_LOGIN_NONE);
    assert_int_equal(conf->tokens[2].login, TOKEN_LOGIN_PIN);
    assert_int_equal(conf->tokens[2].max_sessions, 16);
    assert_string_equal(conf->audit_path, "/var/log/a");
    assert_int_equal(conf->audit_sync, CONF_SYNC_INTERVAL);
    conf_unref(conf);

    assert_string_equal(load_with("listeners",
                                  "[{'name':'a','path':'/a','mode':'0600','group':'root'}]", &conf,
                                  &line),
                        "");
    assert_true(conf->listeners[0].has_group);
    assert_int_equal(conf->listeners[0].group, 0);
    conf_unref(conf);
}

/* Only `tokens` is required; the scratch folder stands in for the system's profiles. */
static void what_may_be_left_out(void **state)
{
    char text[512];
    struct conf *conf = NULL;
    (void)state;
    snprintf(text, sizeof text, "{'tokens':[{'name':'a','uri':'" URI "'}],'profiles_dir':'%s'}",
             scratch_folder("profiles.d"));
    scratch_json("agent.json", text);
    assert_string_equal(load(&conf), "");
    assert_int_equal(conf->listener_count, 1);
    assert_string_equal(conf->listeners[0].name, "default");
    assert_string_equal(conf->listeners[0].path, "/run/hintsign/agent.sock");
    assert_int_equal(conf->listeners[0].mode, 0660);
    assert_int_equal(conf->workers, 16);
    assert_string_equal(conf->audit_path, "/var/log/hintsign/audit.jsonl");
    assert_int_equal(conf->audit_sync, CONF_SYNC_ALWAYS);
    assert_int_equal(conf->peer_pid, PEER_PID_PIDFD);
    assert_int_equal(conf->profile_count, 0);
    conf_unref(conf);
}

#define GOOD                                                                                       \
    "{" GIVEN_PROFILE ",'kind':'pingone','client_id':'app','audiences':['https://op'],"            \
    "'allow':[{'listener':'shop'}]}"

static void profiles_are_found_by_name(void **state)
{
    static const char *const names[] = {"zeta", "a", "b.c_d-e", "0", "acme", "acme2", "m"};
    (void)state;
    for (size_t i = 0; i < 7; i++)
        given_profile(names[i], GOOD);
    scratch_write("profiles.d/.hidden.json", "not read");
    scratch_write("profiles.d/README", "not read");
    scratch_write("profiles.d/acme.json.orig", "not read");
    scratch_write("profiles.d/json", "not read");
    struct conf *conf = given_conf();
    assert_int_equal(conf->profile_count, 7);
    for (size_t i = 0; i < 7; i++)
        assert_string_equal(conf_profile(conf, names[i])->name, names[i]);
    for (size_t i = 0; i + 1 < 7; i++)
        assert_true(strcmp(conf->profiles[i]->name, conf->profiles[i + 1]->name) < 0);
    assert_null(conf_profile(conf, "acm"));
    assert_null(conf_profile(conf, "acme22"));
    assert_null(conf_profile(conf, ""));
    assert_null(conf_profile(conf, "Acme"));
    conf_unref(conf);
}

/* Loads with one profile that is good and one that the test has written. */
static const char *load_profiles(struct conf **ret_conf)
{
    size_t line;
    given_profile("good", GOOD);
    return load_with("listeners", "[{'name':'shop','path':'/a'}]", ret_conf, &line);
}

static void wrong_profiles_name_their_file(void **state)
{
    struct conf *conf = NULL;
    (void)state;
    assert_string_equal(load_profiles(&conf), "");
    conf_unref(conf);
    given_profile("bad", "{" GIVEN_PROFILE ",'kind':'pingone',\n'color':'red'}");
    assert_string_equal(load_profiles(&conf),
                        "profiles.d/bad.json:2: color: there is no such member");
    given_profile("bad", "{'version':1,\n}");
    assert_memory_equal(load_profiles(&conf), "profiles.d/bad.json:2: ", 22);
    given_profile("bad", GOOD);
    assert_int_equal(chmod(scratch_path("profiles.d/bad.json"), 0660), 0);
    assert_string_equal(load_profiles(&conf),
                        "profiles.d/bad.json: others can write it (chmod go-w)");
    assert_int_equal(chmod(scratch_path("profiles.d/bad.json"), 0600), 0);
    given_profile("Bad", GOOD);
    assert_string_equal(load_profiles(&conf),
                        "profiles.d/Bad.json: a profile's name has 1 to 64 characters of a-z 0-9 "
                        ". _ -");
}

/* A profile may name the listeners of its own agent.json alone. */
static void listeners_of_profiles(void **state)
{
    struct conf *conf = NULL;
    size_t line;
    (void)state;
    given_profile("good", GOOD);
    assert_string_equal(load_with("description", "'x'", &conf, &line),
                        "profiles.d/good.json:1: allow[0].listener: there is no listener of that "
                        "name");
}

static void files_and_folders_that_are_missing(void **state)
{
    struct conf *conf = NULL;
    size_t line;
    (void)state;
    assert_string_equal(load(&conf), "agent.json: No such file or directory");
    assert_string_equal(load_with("description", "'x'", &conf, &line),
                        "profiles.d: No such file or directory");
    scratch_folder("profiles.d");
    scratch_folder("profiles.d/x.json");
    assert_string_equal(load_with("description", "'x'", &conf, &line),
                        "profiles.d/x.json: not a regular file");
    assert_int_equal(chmod(scratch_path("agent.json"), 0606), 0);
    assert_string_equal(load(&conf), "agent.json: others can write it (chmod go-w)");
}

static int entries_left = -1; /* before a folder cannot be read; negative: it can */

struct dirent *readdir(DIR *dir)
{
    static struct dirent *(*real)(DIR * dir);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "readdir");
    if (entries_left == 0) {
        errno = EIO;
        return NULL;
    }
    entries_left -= entries_left > 0;
    return real(dir);
}

/* Whatever it has told before. */
static void a_folder_that_cannot_be_read(void **state)
{
    struct conf *conf = NULL;
    (void)state;
    for (int i = 0; i < 3; i++) { /* with . and .. there are three entries */
        entries_left = i;
        assert_string_equal(load_profiles(&conf), "profiles.d: Input/output error");
        assert_null(conf);
    }
    entries_left = -1;
    assert_string_equal(load_profiles(&conf), "");
    conf_unref(conf);
}

/* Many profiles, so that their list grows several times. */
static void many_profiles(void **state)
{
    (void)state;
    for (int i = 0; i < 130; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%d", i);
        given_profile(name, GOOD);
    }
    struct conf *conf = given_conf();
    assert_int_equal(conf->profile_count, 130);
    assert_non_null(conf_profile(conf, "p129"));
    assert_int_equal(conf->keyring->count, 130);
    assert_false(conf_profile(conf, "p7")->key->ready);
    conf_unref(conf);
}

static void references(void **state)
{
    (void)state;
    given_profile("acme", GOOD);
    struct conf *conf = given_conf();
    assert_ptr_equal(conf_ref(conf), conf);
    conf_unref(conf);
    assert_non_null(conf_profile(conf, "acme"));
    conf_unref(conf);
    conf_unref(NULL);
}

static void what_a_running_agent_cannot_change(void **state)
{
    static const struct {
        const char *member;
        const char *value;
        const char *wanted;
    } cases[] = {
        {"description", "'changed'", NULL},
        {"workers", "5", "workers"},
        {"peer_pid", "'pidfd'", NULL},
        {"peer_pid", "'best-effort'", "peer_pid"},
        {"audit", "{'path':'/var/log/b','sync':'interval'}", "audit"},
        {"audit", "{'path':'/var/log/a','sync':'always'}", "audit"},
        {"listeners", "[{'name':'shop','path':'/run/a.sock'}]", "listeners"},
        {"listeners", "[{'name':'default','path':'/run/b.sock'}]", "listeners"},
        {"listeners", "[{'name':'default','path':'/run/a.sock','mode':'0600'}]", "listeners"},
        {"listeners", "[{'name':'default','path':'/run/a.sock','group':'root'}]", "listeners"},
        {"listeners", "[{'name':'default','path':'/run/a.sock'},{'name':'b','path':'/b'}]",
         "listeners"},
        {"tokens", "[{'name':'b','uri':'" URI "'}]", "tokens"},
        {"tokens", "[{'name':'a','uri':'" URI "&pin-source=/p'}]", "tokens"},
        {"tokens", "[{'name':'a','uri':'" URI "','max_sessions':17}]", "tokens"},
        {"tokens", "[{'name':'a','uri':'" URI "','login':'none'}]", "tokens"},
        {"tokens", "[{'name':'a','uri':'" URI "'},{'name':'b','uri':'" URI "'}]", "tokens"},
    };
    struct conf *old = NULL, *new = NULL;
    size_t line;
    (void)state;
    scratch_folder("profiles.d");
    assert_string_equal(load_with("description", "''", &old, &line), "");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(load_with(cases[i].member, cases[i].value, &new, &line), "");
        const char *member = conf_needs_restart(old, new);
        if (cases[i].wanted)
            assert_string_equal(member, cases[i].wanted);
        else
            assert_null(member);
        conf_unref(new);
    }
    conf_unref(old);
}

#define test(name) cmocka_unit_test_setup_teardown(name, scratch_open, scratch_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(wrong_members),
        test(modes),
        test(long_paths_of_sockets),
        test(what_every_member_becomes),
        test(what_may_be_left_out),
        test(profiles_are_found_by_name),
        test(wrong_profiles_name_their_file),
        test(listeners_of_profiles),
        test(files_and_folders_that_are_missing),
        test(a_folder_that_cannot_be_read),
        test(many_profiles),
        test(references),
        test(what_a_running_agent_cannot_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
