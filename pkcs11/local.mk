# What talks to HSM tokens: a library for hintsign-agent and hintsign-key.
noinst_LIBRARIES += pkcs11/libp11.a
pkcs11_libp11_a_CPPFLAGS = $(AM_CPPFLAGS) $(P11KIT_CFLAGS) $(CRYPTO_CFLAGS)
pkcs11_libp11_a_SOURCES = \
	pkcs11/check.c pkcs11/check.h \
	pkcs11/crypto.c pkcs11/crypto.h \
	pkcs11/error.c pkcs11/error.h \
	pkcs11/examine.c pkcs11/examine.h \
	pkcs11/index.c pkcs11/index.h \
	pkcs11/key.c pkcs11/key.h \
	pkcs11/ladder.c pkcs11/ladder.h \
	pkcs11/login.c pkcs11/login.h \
	pkcs11/mech.c pkcs11/mech.h \
	pkcs11/missing.c pkcs11/missing.h \
	pkcs11/module.c pkcs11/module.h \
	pkcs11/object.c pkcs11/object.h \
	pkcs11/order.c pkcs11/order.h \
	pkcs11/pin.c pkcs11/pin.h \
	pkcs11/prober.c pkcs11/prober.h \
	pkcs11/public.c pkcs11/public.h \
	pkcs11/secret.c pkcs11/secret.h \
	pkcs11/session.c pkcs11/session.h \
	pkcs11/sign.c pkcs11/sign.h \
	pkcs11/signature.c pkcs11/signature.h \
	pkcs11/token.c pkcs11/token.h \
	pkcs11/unread.c pkcs11/unread.h \
	pkcs11/use.c pkcs11/use.h \
	pkcs11/watch.c pkcs11/watch.h

include pkcs11/key/local.mk
