# hintsign-key: key ceremonies, on the token alone.
noinst_LIBRARIES += pkcs11/key/libkey.a
pkcs11_key_libkey_a_CPPFLAGS = $(AM_CPPFLAGS) $(P11KIT_CFLAGS) $(CRYPTO_CFLAGS) $(JANSSON_CFLAGS)
pkcs11_key_libkey_a_SOURCES = \
	pkcs11/key/ceremony.c pkcs11/key/ceremony.h \
	pkcs11/key/command.h \
	pkcs11/key/delete.c pkcs11/key/delete.h \
	pkcs11/key/entry.c pkcs11/key/entry.h \
	pkcs11/key/export_kek.c pkcs11/key/export_kek.h \
	pkcs11/key/generate.c pkcs11/key/generate.h \
	pkcs11/key/guard.c pkcs11/key/guard.h \
	pkcs11/key/hmac_key.c pkcs11/key/hmac_key.h \
	pkcs11/key/import.c pkcs11/key/import.h \
	pkcs11/key/kcv.c pkcs11/key/kcv.h \
	pkcs11/key/kek.c pkcs11/key/kek.h \
	pkcs11/key/kept.c pkcs11/key/kept.h \
	pkcs11/key/keyspec.c pkcs11/key/keyspec.h \
	pkcs11/key/list.c pkcs11/key/list.h \
	pkcs11/key/newkey.c pkcs11/key/newkey.h \
	pkcs11/key/options.c pkcs11/key/options.h \
	pkcs11/key/probe.c pkcs11/key/probe.h \
	pkcs11/key/prompt.c pkcs11/key/prompt.h \
	pkcs11/key/report.c pkcs11/key/report.h \
	pkcs11/key/show.c pkcs11/key/show.h \
	pkcs11/key/signer.c pkcs11/key/signer.h \
	pkcs11/key/template.c pkcs11/key/template.h \
	pkcs11/key/tokens.c pkcs11/key/tokens.h \
	pkcs11/key/transcript.c pkcs11/key/transcript.h \
	pkcs11/key/trial.c pkcs11/key/trial.h \
	pkcs11/key/unwrap.c pkcs11/key/unwrap.h \
	pkcs11/key/wrap.c pkcs11/key/wrap.h \
	pkcs11/key/wrapped.c pkcs11/key/wrapped.h

bin_PROGRAMS += hintsign-key
hintsign_key_CPPFLAGS = $(pkcs11_key_libkey_a_CPPFLAGS)
hintsign_key_LDFLAGS = $(AM_LDFLAGS) $(PIE_LINK)
hintsign_key_SOURCES = pkcs11/key/main.c
hintsign_key_LDADD = pkcs11/key/libkey.a pkcs11/libp11.a $(P11KIT_LIBS) $(CRYPTO_LIBS) $(JANSSON_LIBS)
