# hintsign-fetch: on the network, and therefore without PKCS #11 and without the agent's library.
if FETCH
noinst_LIBRARIES += agent/fetch/libfetch.a
sbin_PROGRAMS += hintsign-fetch

FETCH_CFLAGS = $(LIBCURL_CFLAGS) $(CRYPTO_CFLAGS) $(JANSSON_CFLAGS)
FETCH_LIBS = agent/fetch/libfetch.a agent/jose/libjose.a \
	$(LIBCURL_LIBS) $(CRYPTO_LIBS) $(JANSSON_LIBS)

agent_fetch_libfetch_a_CPPFLAGS = $(AM_CPPFLAGS) $(FETCH_CFLAGS)
agent_fetch_libfetch_a_SOURCES = \
	agent/fetch/discovery.c agent/fetch/discovery.h \
	agent/fetch/http.c agent/fetch/http.h \
	agent/fetch/keeper.c agent/fetch/keeper.h \
	agent/fetch/refresh.c agent/fetch/refresh.h \
	agent/fetch/schedule.c agent/fetch/schedule.h \
	agent/fetch/settings.c agent/fetch/settings.h \
	agent/json_file.c agent/json_file.h \
	agent/json_line.c agent/json_line.h \
	agent/log.c agent/log.h \
	agent/provider_keys_file.c agent/provider_keys_file.h

hintsign_fetch_CPPFLAGS = $(AM_CPPFLAGS) $(FETCH_CFLAGS)
hintsign_fetch_SOURCES = agent/fetch/main.c
hintsign_fetch_LDADD = $(FETCH_LIBS)
hintsign_fetch_LDFLAGS = $(AM_LDFLAGS) $(PIE_LINK)
endif
