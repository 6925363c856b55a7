/* Tests of asking the kernel who calls; other ids than our own need root. */
#include "config.h"
#include "agent/peer.h"

#include <errno.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#define GROUPS_MAX 65536

/* Connects with our effective ids and asks who that was. */
static void identify(struct peer *ret_peer)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(peer_identify(fds[0], "shop", PEER_PID_PIDFD, ret_peer), 0);
    close(fds[0]);
    close(fds[1]);
}

static int count_groups(gid_t *groups)
{
    int count = getgroups(GROUPS_MAX, groups);
    assert_true(count >= 0);
    return count;
}

static void ourselves(void **state)
{
    static gid_t groups[GROUPS_MAX];
    struct peer peer;
    (void)state;
    int count = count_groups(groups);
    identify(&peer);
    assert_string_equal(peer.listener, "shop");
    assert_int_equal(peer.identified, geteuid() != PEER_UNKNOWN_ID);
    assert_int_equal(peer.uid, geteuid());
    assert_int_equal(peer.gid, getegid());
    assert_int_equal(peer.pid, getpid());
    assert_int_equal(peer.group_count, count);
    for (int i = 0; i < count; i++)
        assert_int_equal(peer.groups[i], groups[i]);
    peer_clear(&peer);
    assert_null(peer.groups);
    peer_clear(&peer);
}

/* Becomes another caller and root again; what was asked in between is given back. */
static void identify_as(uid_t uid, gid_t gid, size_t group_count, const gid_t *groups,
                        struct peer *ret_peer)
{
    static gid_t own[GROUPS_MAX];
    int own_count = count_groups(own);
    assert_int_equal(setgroups(group_count, groups), 0);
    assert_int_equal(setegid(gid), 0);
    assert_int_equal(seteuid(uid), 0);
    identify(ret_peer);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(setegid(0), 0);
    assert_int_equal(setgroups((size_t)own_count, own), 0);
}

static void others_as_root(void **state)
{
    static const size_t counts[] = {0, 1, 32, 33, 1000, 65536};
    static gid_t groups[GROUPS_MAX];
    (void)state;
    if (geteuid() != 0)
        skip();
    for (size_t i = 0; i < GROUPS_MAX; i++)
        groups[i] = (gid_t)(70000 + i);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct peer peer;
        identify_as(1234, 5678, counts[i], groups, &peer);
        assert_true(peer.identified);
        assert_int_equal(peer.uid, 1234);
        assert_int_equal(peer.gid, 5678);
        assert_int_equal(peer.group_count, counts[i]);
        assert_memory_equal(peer.groups, groups, counts[i] * sizeof(gid_t));
        peer_clear(&peer);
    }
}

/* The id that stands for everybody from elsewhere stands for nobody here. */
static void the_unknown_user_as_root(void **state)
{
    struct peer peer;
    (void)state;
    if (geteuid() != 0)
        skip();
    identify_as(65534, 5678, 0, NULL, &peer);
    assert_false(peer.identified);
    peer_clear(&peer);
    identify_as(1234, 65534, 0, NULL, &peer);
    assert_true(peer.identified);
    peer_clear(&peer);
}

static void no_unix_socket(void **state)
{
    int fds[2];
    struct peer peer = {.listener = "untouched"};
    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(peer_identify(fds[0], "shop", PEER_PID_PIDFD, &peer), -ENOTSOCK);
    assert_string_equal(peer.listener, "untouched");
    close(fds[0]);
    close(fds[1]);
    assert_int_equal(peer_identify(-1, "shop", PEER_PID_PIDFD, &peer), -EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ourselves),
        cmocka_unit_test(others_as_root),
        cmocka_unit_test(the_unknown_user_as_root),
        cmocka_unit_test(no_unix_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
