# hintsign-audit: reads audit logs, without HSM token, agent and network.
noinst_LIBRARIES += agent/audit/libaudit.a
bin_PROGRAMS += hintsign-audit

AUDIT_CFLAGS = $(CRYPTO_CFLAGS) $(JANSSON_CFLAGS)
AUDIT_LIBS = agent/audit/libaudit.a agent/jose/libjose.a $(CRYPTO_LIBS) $(JANSSON_LIBS)

agent_audit_libaudit_a_CPPFLAGS = $(AM_CPPFLAGS) $(AUDIT_CFLAGS)
agent_audit_libaudit_a_SOURCES = \
	agent/audit/cell.c agent/audit/cell.h \
	agent/audit/chain.c agent/audit/chain.h \
	agent/audit/checkpoint.c agent/audit/checkpoint.h \
	agent/audit/command.h \
	agent/audit/line.c agent/audit/line.h \
	agent/audit/reader.c agent/audit/reader.h \
	agent/audit/show.c agent/audit/show.h \
	agent/audit/verify.c agent/audit/verify.h \
	agent/audit_record.c agent/audit_record.h \
	client/text.c client/text.h \
	client/utf8.c client/utf8.h

hintsign_audit_CPPFLAGS = $(AM_CPPFLAGS) $(AUDIT_CFLAGS)
hintsign_audit_SOURCES = agent/audit/main.c
hintsign_audit_LDADD = $(AUDIT_LIBS)
hintsign_audit_LDFLAGS = $(AM_LDFLAGS) $(PIE_LINK)
