# The client library, the command, and what of the wire the agent shares.
include_HEADERS += client/hintsign.h
pkgconfig_DATA += client/hintsign.pc
EXTRA_DIST += client/hintsign.map

lib_LTLIBRARIES += libhintsign.la
libhintsign_la_SOURCES = \
	client/base64.c client/base64.h \
	client/connection.c client/connection.h \
	client/error.c client/error.h \
	client/exchange.c client/exchange.h \
	client/json_value.c client/json_value.h \
	client/keys.c \
	client/mint.c \
	client/reply.c client/reply.h \
	client/sign.c \
	client/status.c \
	client/text.c client/text.h \
	client/utf8.c client/utf8.h \
	client/varlink.c client/varlink.h
libhintsign_la_CFLAGS = $(AM_CFLAGS)
libhintsign_la_LDFLAGS = $(AM_LDFLAGS) -no-undefined -version-info 0:0:0 \
	-Wl,--version-script=$(srcdir)/client/hintsign.map
libhintsign_la_DEPENDENCIES = client/hintsign.map

bin_PROGRAMS += hintsign
hintsign_SOURCES = \
	client/cli/admin.c client/cli/admin.h \
	client/cli/claims.c client/cli/claims.h \
	client/cli/cli.c client/cli/cli.h \
	client/cli/decode.c client/cli/decode.h \
	client/cli/format.c client/cli/format.h \
	client/cli/input.c client/cli/input.h \
	client/cli/jwks.c client/cli/jwks.h \
	client/cli/lines.c client/cli/lines.h \
	client/cli/main.c \
	client/cli/mint.c client/cli/mint.h \
	client/cli/openmetrics.c client/cli/openmetrics.h \
	client/cli/output.c client/cli/output.h \
	client/cli/pin.c client/cli/pin.h \
	client/cli/profiles.c client/cli/profiles.h \
	client/cli/progress.c client/cli/progress.h \
	client/cli/status.c client/cli/status.h \
	client/cli/subjects.c client/cli/subjects.h \
	client/cli/text.c client/cli/text.h \
	client/cli/unlock.c client/cli/unlock.h
hintsign_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
hintsign_LDADD = libhintsign.la $(JANSSON_LIBS)
hintsign_LDFLAGS = $(AM_LDFLAGS) $(PIE_LINK)
