# The agent: a library for its unit tests, and the program.
noinst_LIBRARIES += agent/libagent.a
sbin_PROGRAMS += hintsign-agent

AGENT_CFLAGS = $(P11KIT_CFLAGS) $(CRYPTO_CFLAGS) $(JANSSON_CFLAGS)
AGENT_LIBS = agent/libagent.a agent/jose/libjose.a pkcs11/libp11.a \
	$(P11KIT_LIBS) $(CRYPTO_LIBS) $(JANSSON_LIBS)

agent_libagent_a_CPPFLAGS = $(AM_CPPFLAGS) $(AGENT_CFLAGS)
agent_libagent_a_SOURCES = \
	agent/accept.c agent/accept.h \
	agent/access.c agent/access.h \
	agent/activation.c agent/activation.h \
	agent/admin.c agent/admin.h \
	agent/admin_mint.c agent/admin_mint.h \
	agent/admin_serve.c agent/admin_serve.h \
	agent/allow.c agent/allow.h \
	agent/audit.c agent/audit.h \
	agent/audit_checkpoint.c agent/audit_checkpoint.h \
	agent/audit_event.c agent/audit_event.h \
	agent/audit_file.c agent/audit_file.h \
	agent/audit_internal.h \
	agent/audit_keeper.c agent/audit_keeper.h \
	agent/audit_open.c \
	agent/audit_record.c agent/audit_record.h \
	agent/audit_rewrite.c agent/audit_rewrite.h \
	agent/audit_rotate.c agent/audit_rotate.h \
	agent/audit_state.c agent/audit_state.h \
	agent/audit_upkeep.c \
	agent/caller.c agent/caller.h \
	agent/clock.c agent/clock.h \
	agent/compose.c agent/compose.h \
	agent/conf.c agent/conf.h \
	agent/conf_agent.c agent/conf_agent.h \
	agent/conf_limits.c agent/conf_limits.h \
	agent/conn.c agent/conn.h \
	agent/fair.c agent/fair.h \
	agent/flood.c agent/flood.h \
	agent/form.c agent/form.h \
	agent/hsm.c agent/hsm.h \
	agent/interface.c agent/interface.h \
	agent/json_file.c agent/json_file.h \
	agent/json_line.c agent/json_line.h \
	agent/kid.c agent/kid.h \
	agent/kind.c agent/kind.h \
	agent/limits.c agent/limits.h \
	agent/listener.c agent/listener.h \
	agent/log.c agent/log.h \
	agent/peer.c agent/peer.h \
	agent/metrics.c agent/metrics.h \
	agent/next_key.c agent/next_key.h \
	agent/notify.c agent/notify.h \
	agent/policy.c agent/policy.h \
	agent/process.c agent/process.h \
	agent/profile.c agent/profile.h \
	agent/profile_claims.c agent/profile_claims.h \
	agent/profile_members.c agent/profile_members.h \
	agent/provider_keys_file.c agent/provider_keys_file.h \
	agent/provider_keys.c agent/provider_keys.h \
	agent/publish.c agent/publish.h \
	agent/rate.c agent/rate.h \
	agent/refusal.c agent/refusal.h \
	agent/reload.c agent/reload.h \
	agent/reply.c agent/reply.h \
	agent/request.c agent/request.h \
	agent/seal.c agent/seal.h \
	agent/serve.c agent/serve.h \
	agent/server.c agent/server.h \
	agent/status.c agent/status.h \
	agent/status_metrics.c agent/status_metrics.h \
	agent/throttle.c agent/throttle.h \
	agent/unit.c agent/unit.h \
	agent/verdict.h \
	agent/worker.c agent/worker.h \
	client/base64.c client/base64.h \
	client/json_value.c client/json_value.h \
	client/text.c client/text.h \
	client/utf8.c client/utf8.h \
	client/varlink.c client/varlink.h

# JOSE formats: a library of its own, which needs nothing else of ours.
noinst_LIBRARIES += agent/jose/libjose.a
JOSE_CFLAGS = $(CRYPTO_CFLAGS) $(JANSSON_CFLAGS)
JOSE_LIBS = agent/jose/libjose.a $(CRYPTO_LIBS) $(JANSSON_LIBS)
agent_jose_libjose_a_CPPFLAGS = $(AM_CPPFLAGS) $(JOSE_CFLAGS)
agent_jose_libjose_a_SOURCES = \
	agent/jose/alg.c agent/jose/alg.h \
	agent/jose/base64url.c agent/jose/base64url.h \
	agent/jose/compact.c agent/jose/compact.h \
	agent/jose/ecdh.c agent/jose/ecdh.h \
	agent/jose/enc.c agent/jose/enc.h \
	agent/jose/jose.c agent/jose/jose.h \
	agent/jose/jwe.c agent/jose/jwe.h \
	agent/jose/jwk.c agent/jose/jwk.h \
	agent/jose/jwk_write.c agent/jose/jwk_write.h \
	agent/jose/jwks.c agent/jose/jwks.h \
	agent/jose/jws.c agent/jose/jws.h \
	agent/jose/keytype.c agent/jose/keytype.h \
	agent/jose/wrap.c agent/jose/wrap.h

hintsign_agent_CPPFLAGS = $(AM_CPPFLAGS) $(AGENT_CFLAGS)
hintsign_agent_SOURCES = agent/main.c
hintsign_agent_LDADD = $(AGENT_LIBS)
hintsign_agent_LDFLAGS = $(AM_LDFLAGS) $(PIE_LINK)

# The agent serves the very text of its interfaces: the files as C strings.
interface_incs = agent/interface_agent.inc agent/interface_admin.inc
agent/libagent_a-interface.$(OBJEXT): $(interface_incs)
CLEANFILES += $(interface_incs)
quote_lines = sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n"/'
agent/interface_agent.inc: doc/io.hintsign.Agent.varlink
	$(AM_V_GEN)mkdir -p agent && $(quote_lines) $< > $@
agent/interface_admin.inc: doc/io.hintsign.Admin.varlink
	$(AM_V_GEN)mkdir -p agent && $(quote_lines) $< > $@
