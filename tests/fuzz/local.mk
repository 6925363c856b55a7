# Fuzz targets. In an ordinary build they replay their corpus as tests; with --enable-fuzzing (clang)
# they are libFuzzer's.
FUZZ_TARGETS = \
	tests/fuzz/fuzz_audit \
	tests/fuzz/fuzz_configuration \
	tests/fuzz/fuzz_jwe \
	tests/fuzz/fuzz_jwks \
	tests/fuzz/fuzz_reply \
	tests/fuzz/fuzz_request

if HAVE_CMOCKA
check_PROGRAMS += $(FUZZ_TARGETS)
TESTS += $(FUZZ_TARGETS)
endif

if FUZZING
FUZZ_MAIN =
else
FUZZ_MAIN = tests/fuzz/replay.c
endif
fuzz_cppflags = $(agent_test_cppflags)

tests_fuzz_fuzz_audit_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_audit_SOURCES = tests/fuzz/fuzz_audit.c tests/fuzz/fuzz.h $(FUZZ_MAIN)
tests_fuzz_fuzz_audit_LDADD = $(AUDIT_LIBS)
tests_fuzz_fuzz_audit_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_configuration_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_configuration_SOURCES = tests/fuzz/fuzz_configuration.c $(FUZZ_MAIN)
tests_fuzz_fuzz_configuration_LDADD = $(agent_test_libs)
tests_fuzz_fuzz_configuration_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_jwe_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_jwe_SOURCES = tests/fuzz/fuzz_jwe.c $(FUZZ_MAIN)
tests_fuzz_fuzz_jwe_LDADD = tests/unit/libjosetest.a $(agent_test_libs)
tests_fuzz_fuzz_jwe_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_jwks_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_jwks_SOURCES = tests/fuzz/fuzz_jwks.c $(FUZZ_MAIN)
tests_fuzz_fuzz_jwks_LDADD = $(agent_test_libs)
tests_fuzz_fuzz_jwks_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_reply_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_reply_SOURCES = tests/fuzz/fuzz_reply.c $(FUZZ_MAIN)
tests_fuzz_fuzz_reply_LDADD = libhintsign.la $(agent_test_libs)
tests_fuzz_fuzz_reply_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_request_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_request_SOURCES = tests/fuzz/fuzz_request.c $(FUZZ_MAIN)
tests_fuzz_fuzz_request_LDADD = $(agent_test_libs)
tests_fuzz_fuzz_request_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

EXTRA_DIST += tests/fuzz/corpus tests/fuzz/run.sh

# Fuzzes each target for SECONDS in a build of its own, beginning with the corpus.
SECONDS = 60
.PHONY: fuzz fuzz-run
fuzz:
	bash $(srcdir)/tests/fuzz/run.sh $(abs_srcdir) $(SECONDS)
