# The OpenSSL provider, a module that libcrypto loads.
EXTRA_DIST += client/provider/hintsign.map
if PROVIDER
modules_LTLIBRARIES += client/provider/hintsign.la
client_provider_hintsign_la_SOURCES = \
	client/provider/agent.c client/provider/agent.h \
	client/provider/algorithm.c client/provider/algorithm.h \
	client/provider/core.c client/provider/core.h \
	client/provider/encoder.c \
	client/provider/jwk.c client/provider/jwk.h \
	client/provider/key.c client/provider/key.h \
	client/provider/keymgmt.c \
	client/provider/operations.h \
	client/provider/params.c client/provider/params.h \
	client/provider/signature.c client/provider/signature.h \
	client/provider/store.c \
	client/provider/verify.c client/provider/verify.h
client_provider_hintsign_la_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS) $(JANSSON_CFLAGS)
client_provider_hintsign_la_LIBADD = libhintsign.la $(CRYPTO_LIBS) $(JANSSON_LIBS)
client_provider_hintsign_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -no-undefined \
	-Wl,--version-script=$(srcdir)/client/provider/hintsign.map
client_provider_hintsign_la_DEPENDENCIES = libhintsign.la client/provider/hintsign.map

# It is linked again when it is installed, with the library as it is there. (Were the target named
# here, automake would leave out its own rule for it.)
install_provider = install-modulesLTLIBRARIES
$(install_provider): install-libLTLIBRARIES
endif
