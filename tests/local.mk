# Tests speak TAP (https://testanything.org): a case a line, in every language.
TEST_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
TESTS_ENVIRONMENT = CMOCKA_MESSAGE_OUTPUT=TAP

# Unit tests are programs (no extension), integration tests are shell scripts. A test that
# hangs is ended with everything it started in its process group.
TEST_EXTENSIONS = .sh
LOG_DRIVER = $(TEST_LOG_DRIVER)
SH_LOG_DRIVER = $(TEST_LOG_DRIVER)
LOG_COMPILER = timeout --kill-after=10 300
SH_LOG_COMPILER = timeout --kill-after=10 300 bash

# Where the tests find what was built; tests/integration/lib.sh says what each is for.
if SANITIZED
sanitized = yes
else
sanitized = no
endif
AM_TESTS_ENVIRONMENT = \
	top_builddir='$(abs_top_builddir)' SANITIZED=$(sanitized); export top_builddir SANITIZED;

EXTRA_DIST += tests/integration/lib.sh tests/integration/scripted_agent.py
EXTRA_DIST += \
	tests/interop/package.json tests/interop/package-lock.json tests/interop/.npmrc \
	tests/interop/authway.py tests/interop/jwtgen.js tests/interop/subjects.json
dist_check_SCRIPTS = $(INTEGRATION_TESTS)
TESTS += $(INTEGRATION_TESTS)
INTEGRATION_TESTS = \
	tests/integration/001-lib.sh \
	tests/integration/003-man-pages.sh \
	tests/integration/020-key-import.sh \
	tests/integration/021-key-refusals.sh \
	tests/integration/022-key-generate.sh \
	tests/integration/023-key-list-delete.sh \
	tests/integration/024-key-terminal.sh \
	tests/integration/025-key-pin.sh \
	tests/integration/026-key-strange-token.sh \
	tests/integration/100-pingone-jwtgen.sh \
	tests/integration/110-authway-pyjwt.sh
EXTRA_DIST += tests/integration/terminal.py

# SoftHSM2 with bad habits.
check_LTLIBRARIES += tests/modules/strange.la
tests_modules_strange_la_CPPFLAGS = $(AM_CPPFLAGS) $(P11KIT_CFLAGS)
tests_modules_strange_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere $(HARDEN_LDFLAGS) $(SAN_FLAGS)
tests_modules_strange_la_SOURCES = tests/modules/strange.c

INTEGRATION_TESTS += tests/integration/010-library.sh tests/integration/011-hintsign.sh

# The client: its library against an agent that a test scripts, over a real socket.
if HAVE_CMOCKA
CLIENT_TESTS = \
	tests/unit/test_varlink \
	tests/unit/test_client_connection \
	tests/unit/test_client_lines \
	tests/unit/test_client_mint \
	tests/unit/test_client_reply
check_PROGRAMS += $(CLIENT_TESTS)
TESTS += $(CLIENT_TESTS)
endif
client_test_cflags = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
client_test_libs = libhintsign.la $(CMOCKA_LIBS) $(JANSSON_LIBS)
scripted_agent = tests/unit/scripted_agent.c tests/unit/scripted_agent.h
tests_unit_test_varlink_SOURCES = tests/unit/test_varlink.c client/varlink.c client/varlink.h
tests_unit_test_varlink_CFLAGS = $(client_test_cflags)
tests_unit_test_varlink_LDADD = $(CMOCKA_LIBS)
tests_unit_test_client_connection_SOURCES = tests/unit/test_client_connection.c $(scripted_agent)
tests_unit_test_client_connection_CFLAGS = $(client_test_cflags)
tests_unit_test_client_connection_LDADD = $(client_test_libs)
tests_unit_test_client_lines_SOURCES = tests/unit/test_client_lines.c client/cli/lines.c
tests_unit_test_client_lines_CFLAGS = $(client_test_cflags)
tests_unit_test_client_lines_LDADD = $(CMOCKA_LIBS)
tests_unit_test_client_mint_SOURCES = tests/unit/test_client_mint.c $(scripted_agent)
tests_unit_test_client_mint_CFLAGS = $(client_test_cflags)
tests_unit_test_client_mint_LDADD = $(client_test_libs)
tests_unit_test_client_reply_SOURCES = tests/unit/test_client_reply.c $(scripted_agent)
tests_unit_test_client_reply_CFLAGS = $(client_test_cflags)
tests_unit_test_client_reply_CPPFLAGS = $(AM_CPPFLAGS) \
	-DINTERFACE_FILE='"$(abs_top_srcdir)/doc/io.hintsign.Agent.varlink"'
tests_unit_test_client_reply_LDADD = $(client_test_libs)
