# The client library, the command, and the framing that the agent shares.
include_HEADERS += client/hintsign.h
pkgconfig_DATA += client/hintsign.pc
EXTRA_DIST += client/hintsign.map

lib_LTLIBRARIES += libhintsign.la
libhintsign_la_SOURCES = \
	client/connection.c client/connection.h \
	client/error.c client/error.h \
	client/exchange.c client/exchange.h \
	client/mint.c \
	client/reply.c client/reply.h \
	client/status.c \
	client/varlink.c client/varlink.h
libhintsign_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
libhintsign_la_LIBADD = $(JANSSON_LIBS)
libhintsign_la_LDFLAGS = $(AM_LDFLAGS) -no-undefined -version-info 0:0:0 \
	-Wl,--version-script=$(srcdir)/client/hintsign.map
libhintsign_la_DEPENDENCIES = client/hintsign.map
