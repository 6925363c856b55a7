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

EXTRA_DIST += tests/integration/lib.sh
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
EXTRA_DIST += check quickstart .ci/run .ci/packages .ci/install-packages
