# The bench: programs that put load on the agent and on what it is compared with.
check_PROGRAMS += tests/bench/baseline
tests_bench_baseline_CPPFLAGS = $(AM_CPPFLAGS) $(P11KIT_CFLAGS)
tests_bench_baseline_SOURCES = tests/bench/baseline.c
tests_bench_baseline_LDADD = $(P11KIT_LIBS)

check_PROGRAMS += tests/bench/loader
tests_bench_loader_CPPFLAGS = $(AM_CPPFLAGS) $(P11KIT_CFLAGS)
tests_bench_loader_SOURCES = \
	tests/bench/loader.c tests/bench/way.h \
	tests/bench/agent_way.c \
	tests/bench/echo_way.c \
	tests/bench/ssh_agent_way.c \
	tests/bench/token_way.c
tests_bench_loader_LDADD = libhintsign.la $(P11KIT_LIBS)

# SoftHSM2 as a token across a network.
check_LTLIBRARIES += tests/modules/slow.la
tests_modules_slow_la_CPPFLAGS = $(AM_CPPFLAGS) $(P11KIT_CFLAGS)
tests_modules_slow_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere $(HARDEN_LDFLAGS) $(SAN_FLAGS)
tests_modules_slow_la_SOURCES = tests/modules/slow.c

EXTRA_DIST += tests/bench/bench.py tests/bench/report.py tests/bench/instructions.py

.PHONY: bench bench-instructions
bench: all $(check_PROGRAMS) $(check_LTLIBRARIES)
	top_builddir=. $(srcdir)/tests/bench/bench.py $(BENCH)
bench-instructions: all $(check_PROGRAMS) $(check_LTLIBRARIES)
	top_builddir=. $(srcdir)/tests/bench/instructions.py
