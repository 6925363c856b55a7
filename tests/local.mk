# Tests speak TAP (https://testanything.org): a case a line, in every language.
TEST_LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
TESTS_ENVIRONMENT = CMOCKA_MESSAGE_OUTPUT=TAP

# Unit tests are programs (no extension), integration tests are shell scripts. A test that
# hangs is ended with everything it started in its process group.
TEST_EXTENSIONS = .sh
LOG_DRIVER = $(TEST_LOG_DRIVER)
SH_LOG_DRIVER = $(TEST_LOG_DRIVER)
LOG_COMPILER = timeout --kill-after=10 300 bash $(srcdir)/tests/unit/run.sh
EXTRA_DIST += tests/unit/run.sh
SH_LOG_COMPILER = timeout --kill-after=10 300 bash

# Where the tests find what was built; tests/integration/lib.sh says what each is for.
if SANITIZED
sanitized = yes
else
sanitized = no
endif
AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' SANITIZED=$(sanitized); \
	export top_srcdir top_builddir SANITIZED;

EXTRA_DIST += quickstart .ci/run .ci/packages .ci/install-packages
EXTRA_DIST += tests/packages.sh tests/packages_inside.sh
EXTRA_DIST += tests/quickstart.sh tests/lsan.supp tests/tsan.supp
EXTRA_DIST += tests/integration/lib.sh tests/integration/scripted_agent.py tests/integration/scripted_agent.sh \
	tests/integration/storm.py tests/integration/supervise.py

# The storm of 089, for SECONDS.
.PHONY: storm
storm: all
	$(MAKE) -s check TESTS=
	$(AM_TESTS_ENVIRONMENT) HINTSIGN_STORM=$(SECONDS) bash $(srcdir)/tests/integration/089-storm.sh

EXTRA_DIST += \
	tests/interop/package.json tests/interop/package-lock.json tests/interop/.npmrc \
	tests/interop/sealed.py \
	tests/interop/authway.py tests/interop/jwtgen.js tests/interop/subjects.json
dist_check_SCRIPTS = $(INTEGRATION_TESTS)
TESTS += $(INTEGRATION_TESTS)
INTEGRATION_TESTS = \
	tests/integration/001-lib.sh \
	tests/integration/002-architecture.sh \
	tests/integration/003-man-pages.sh \
	tests/integration/004-completions.sh \
	tests/integration/020-key-import.sh \
	tests/integration/021-key-refusals.sh \
	tests/integration/022-key-generate.sh \
	tests/integration/023-key-list-delete.sh \
	tests/integration/024-key-terminal.sh \
	tests/integration/025-key-pin.sh \
	tests/integration/026-key-strange-token.sh \
	tests/integration/027-key-transcript.sh \
	tests/integration/028-key-wrapped.sh \
	tests/integration/029-key-probe.sh \
	tests/integration/081-recovery-hangs.sh \
	tests/integration/083-two-modules.sh \
	tests/integration/084-killed-device.sh \
	tests/integration/087-faults.sh \
	tests/integration/088-hangs.sh \
	tests/integration/089-storm.sh \
	tests/integration/210-sealed.sh \
	tests/integration/211-hostile-keys.sh \
	tests/integration/100-pingone-jwtgen.sh \
	tests/integration/110-authway-pyjwt.sh
EXTRA_DIST += tests/integration/terminal.py tests/integration/scan_memory.py

# Private keys, verified by others.
INTEGRATION_TESTS += \
	tests/integration/120-private-keys.sh \
	tests/integration/125-rotation.sh \
	tests/integration/126-rotate-client-secret.sh \
	tests/integration/130-sign.sh \
	tests/integration/150-tpm2.sh
EXTRA_DIST += tests/integration/sign.py
EXTRA_DIST += \
	tests/interop/leading_zeros.py tests/interop/private_keys.py tests/interop/rotation.py

# The agent, whole.
INTEGRATION_TESTS += \
	tests/integration/050-configuration.sh \
	tests/integration/051-documents.sh \
	tests/integration/055-lifecycle.sh \
	tests/integration/056-service-manager.sh \
	tests/integration/057-units.sh \
	tests/integration/060-reload.sh \
	tests/integration/061-admin.sh \
	tests/integration/062-pin.sh \
	tests/integration/063-memory.sh \
	tests/integration/065-policy.sh \
	tests/integration/066-floods.sh \
	tests/integration/067-callers.sh \
	tests/integration/068-rate-limit.sh \
	tests/integration/069-print-policy.sh \
	tests/integration/070-bad-input.sh \
	tests/integration/071-fairness.sh \
	tests/integration/072-patience.sh \
	tests/integration/073-limits.sh \
	tests/integration/075-varlink.sh \
	tests/integration/076-metrics.sh \
	tests/integration/080-protection.sh \
	tests/integration/085-recovery.sh \
	tests/integration/086-one-caller.sh \
	tests/integration/090-audit.sh \
	tests/integration/092-audit-checkpoint.sh \
	tests/integration/093-audit-gap.sh \
	tests/integration/094-audit-disk.sh \
	tests/integration/095-scale.sh
EXTRA_DIST += \
	tests/integration/confine.py tests/integration/openmetrics.py tests/integration/varlink_client.py tests/integration/bad_input.py tests/integration/floods.py \
	tests/integration/callers.py \
	tests/integration/audit_chain.py

# SoftHSM2 as a module that cannot lock.
check_LTLIBRARIES += tests/modules/lonely.la
tests_modules_lonely_la_CPPFLAGS = $(AM_CPPFLAGS) $(P11KIT_CFLAGS)
tests_modules_lonely_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere $(HARDEN_LDFLAGS) $(SAN_FLAGS)
tests_modules_lonely_la_SOURCES = tests/modules/lonely.c

# A fast clock.
check_LTLIBRARIES += tests/modules/hasty.la
tests_modules_hasty_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere $(HARDEN_LDFLAGS) $(SAN_FLAGS)
tests_modules_hasty_la_SOURCES = tests/modules/hasty.c

# A kernel without pidfds of sockets.
check_LTLIBRARIES += tests/modules/no_pidfd.la
tests_modules_no_pidfd_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere $(HARDEN_LDFLAGS) $(SAN_FLAGS)
tests_modules_no_pidfd_la_SOURCES = tests/modules/no_pidfd.c

# A disk that is slow, fails, or is the last thing that a process sees.
check_LTLIBRARIES += tests/modules/disk.la
tests_modules_disk_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere $(HARDEN_LDFLAGS) $(SAN_FLAGS)
tests_modules_disk_la_SOURCES = tests/modules/disk.c

# Keys as tests want them.
check_PROGRAMS += tests/integration/new_keys
tests_integration_new_keys_CPPFLAGS = $(AM_CPPFLAGS) $(P11KIT_CFLAGS)
tests_integration_new_keys_SOURCES = tests/integration/new_keys.c
tests_integration_new_keys_LDADD = $(P11KIT_LIBS)

# SoftHSM2 with bad habits.
check_LTLIBRARIES += tests/modules/strange.la
tests_modules_strange_la_CPPFLAGS = $(AM_CPPFLAGS) $(P11KIT_CFLAGS)
tests_modules_strange_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere $(HARDEN_LDFLAGS) $(SAN_FLAGS)
tests_modules_strange_la_SOURCES = tests/modules/strange.c

INTEGRATION_TESTS += tests/integration/010-library.sh tests/integration/011-hintsign.sh \
	tests/integration/012-hintsign-jwks.sh tests/integration/013-hintsign-memory.sh

# Preloaded into the command: memory that fails.
check_LTLIBRARIES += tests/modules/no_memory.la
tests_modules_no_memory_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere $(HARDEN_LDFLAGS) $(SAN_FLAGS)
tests_modules_no_memory_la_SOURCES = tests/modules/no_memory.c

# The client: its library against an agent that a test scripts, over a real socket.
if HAVE_CMOCKA
CLIENT_TESTS = \
	tests/unit/test_varlink \
	tests/unit/test_client_connection \
	tests/unit/test_client_keys \
	tests/unit/test_client_lines \
	tests/unit/test_client_mint \
	tests/unit/test_client_reply \
	tests/unit/test_client_sign
check_PROGRAMS += $(CLIENT_TESTS)
TESTS += $(CLIENT_TESTS)
endif
client_test_cflags = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
client_test_libs = libhintsign.la $(CMOCKA_LIBS) $(JANSSON_LIBS)
scripted_agent = tests/unit/scripted_agent.c tests/unit/scripted_agent.h
tests_unit_test_varlink_SOURCES = tests/unit/test_varlink.c client/varlink.c client/varlink.h
tests_unit_test_varlink_CFLAGS = $(client_test_cflags)
tests_unit_test_varlink_LDADD = $(CMOCKA_LIBS)
tests_unit_test_client_connection_SOURCES = tests/unit/test_client_connection.c $(scripted_agent)
tests_unit_test_client_connection_CFLAGS = $(client_test_cflags)
tests_unit_test_client_connection_LDADD = $(client_test_libs)
tests_unit_test_client_keys_SOURCES = tests/unit/test_client_keys.c $(scripted_agent)
tests_unit_test_client_keys_CFLAGS = $(client_test_cflags)
tests_unit_test_client_keys_LDADD = $(client_test_libs)
tests_unit_test_client_lines_SOURCES = tests/unit/test_client_lines.c client/cli/lines.c
tests_unit_test_client_lines_CFLAGS = $(client_test_cflags)
tests_unit_test_client_lines_LDADD = $(CMOCKA_LIBS)
tests_unit_test_client_mint_SOURCES = tests/unit/test_client_mint.c $(scripted_agent)
tests_unit_test_client_mint_CFLAGS = $(client_test_cflags)
tests_unit_test_client_mint_LDADD = $(client_test_libs)
tests_unit_test_client_sign_SOURCES = tests/unit/test_client_sign.c $(scripted_agent)
tests_unit_test_client_sign_CFLAGS = $(client_test_cflags)
tests_unit_test_client_sign_LDADD = $(client_test_libs)
tests_unit_test_client_reply_SOURCES = tests/unit/test_client_reply.c $(scripted_agent)
tests_unit_test_client_reply_CFLAGS = $(client_test_cflags)
tests_unit_test_client_reply_CPPFLAGS = $(AM_CPPFLAGS) \
	-DINTERFACE_FILE='"$(abs_top_srcdir)/doc/io.hintsign.Agent.varlink"'
tests_unit_test_client_reply_LDADD = $(client_test_libs)

# pkcs11/: the pure files, and those that talk to a token, with one inside the test.
if HAVE_CMOCKA
PKCS11_TESTS = \
	tests/unit/test_check \
	tests/unit/test_error \
	tests/unit/test_index \
	tests/unit/test_ladder \
	tests/unit/test_mech \
	tests/unit/test_module \
	tests/unit/test_object \
	tests/unit/test_pin \
	tests/unit/test_secret \
	tests/unit/test_key \
	tests/unit/test_session \
	tests/unit/test_sign \
	tests/unit/test_signature \
	tests/unit/test_token \
	tests/unit/test_missing \
	tests/unit/test_unread \
	tests/unit/test_watch \
	tests/unit/test_guard \
	tests/unit/test_hmac_key \
	tests/unit/test_kcv \
	tests/unit/test_kek \
	tests/unit/test_keyspec \
	tests/unit/test_report \
	tests/unit/test_show \
	tests/unit/test_template \
	tests/unit/test_transcript \
	tests/unit/test_trial \
	tests/unit/test_wrapped
check_PROGRAMS += $(PKCS11_TESTS)
TESTS += $(PKCS11_TESTS)
endif
pkcs11_test_cppflags = $(AM_CPPFLAGS) $(P11KIT_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
pkcs11_test_libs = pkcs11/libp11.a $(CMOCKA_LIBS) $(P11KIT_LIBS)
key_test_libs = pkcs11/key/libkey.a $(pkcs11_test_libs) $(CRYPTO_LIBS) $(JANSSON_LIBS)
fake_token = tests/unit/fake_token.c tests/unit/fake_token.h
tests_unit_test_check_SOURCES = tests/unit/test_check.c $(fake_token)
tests_unit_test_check_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_check_LDADD = $(pkcs11_test_libs) $(CRYPTO_LIBS)
tests_unit_test_error_SOURCES = tests/unit/test_error.c
tests_unit_test_error_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_error_LDADD = $(pkcs11_test_libs)
tests_unit_test_index_SOURCES = tests/unit/test_index.c $(fake_token)
tests_unit_test_index_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_index_LDADD = $(pkcs11_test_libs)
tests_unit_test_ladder_SOURCES = tests/unit/test_ladder.c $(fake_token)
tests_unit_test_ladder_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_ladder_LDADD = $(pkcs11_test_libs) $(CRYPTO_LIBS)
tests_unit_test_mech_SOURCES = tests/unit/test_mech.c
tests_unit_test_mech_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_mech_LDADD = $(pkcs11_test_libs)
tests_unit_test_module_SOURCES = tests/unit/test_module.c $(fake_token)
tests_unit_test_module_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_module_LDADD = $(pkcs11_test_libs)
tests_unit_test_object_SOURCES = tests/unit/test_object.c $(fake_token)
tests_unit_test_object_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_object_LDADD = $(pkcs11_test_libs)
tests_unit_test_pin_SOURCES = tests/unit/test_pin.c
tests_unit_test_pin_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_pin_LDADD = $(pkcs11_test_libs)
tests_unit_test_secret_SOURCES = tests/unit/test_secret.c
tests_unit_test_secret_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_secret_LDADD = $(pkcs11_test_libs)
tests_unit_test_session_SOURCES = tests/unit/test_session.c $(fake_token)
tests_unit_test_session_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_session_LDADD = $(pkcs11_test_libs)
tests_unit_test_sign_SOURCES = tests/unit/test_sign.c $(fake_token)
tests_unit_test_sign_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_sign_LDADD = $(pkcs11_test_libs) $(CRYPTO_LIBS)
tests_unit_test_signature_SOURCES = tests/unit/test_signature.c
tests_unit_test_signature_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_signature_LDADD = $(pkcs11_test_libs) $(CRYPTO_LIBS)
tests_unit_test_key_SOURCES = tests/unit/test_key.c $(fake_token)
tests_unit_test_key_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_key_LDADD = $(pkcs11_test_libs) $(CRYPTO_LIBS)
tests_unit_test_token_SOURCES = tests/unit/test_token.c $(fake_token)
tests_unit_test_token_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_token_LDADD = $(pkcs11_test_libs) $(CRYPTO_LIBS)
tests_unit_test_missing_SOURCES = tests/unit/test_missing.c $(fake_token)
tests_unit_test_missing_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_missing_LDADD = $(pkcs11_test_libs) $(CRYPTO_LIBS)
tests_unit_test_unread_SOURCES = tests/unit/test_unread.c $(fake_token)
tests_unit_test_unread_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_unread_LDADD = $(pkcs11_test_libs) $(CRYPTO_LIBS)
tests_unit_test_watch_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_watch_LDADD = $(pkcs11_test_libs)
tests_unit_test_guard_SOURCES = tests/unit/test_guard.c
tests_unit_test_guard_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_guard_LDADD = $(key_test_libs)
tests_unit_test_hmac_key_SOURCES = tests/unit/test_hmac_key.c
tests_unit_test_hmac_key_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_hmac_key_LDADD = $(key_test_libs)
tests_unit_test_kcv_SOURCES = tests/unit/test_kcv.c
tests_unit_test_kcv_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_kcv_LDADD = $(key_test_libs)
kek_given = \
	tests/unit/kek_given.c tests/unit/kek_given.h \
	tests/unit/scratch.c tests/unit/scratch.h
tests_unit_test_kek_SOURCES = tests/unit/test_kek.c $(kek_given)
tests_unit_test_kek_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_kek_LDADD = $(key_test_libs)
tests_unit_test_keyspec_SOURCES = tests/unit/test_keyspec.c $(fake_token)
tests_unit_test_keyspec_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_keyspec_LDADD = $(key_test_libs)
tests_unit_test_report_SOURCES = \
	tests/unit/test_report.c tests/unit/scratch.c tests/unit/scratch.h
tests_unit_test_report_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_report_LDADD = $(key_test_libs)
tests_unit_test_show_SOURCES = tests/unit/test_show.c
tests_unit_test_show_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_show_LDADD = $(key_test_libs)
tests_unit_test_template_SOURCES = tests/unit/test_template.c
tests_unit_test_template_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_template_LDADD = $(key_test_libs)
tests_unit_test_transcript_SOURCES = \
	tests/unit/test_transcript.c \
	tests/unit/scratch.c tests/unit/scratch.h \
	client/text.c client/text.h client/utf8.c client/utf8.h
tests_unit_test_transcript_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_transcript_LDADD = $(key_test_libs)
tests_unit_test_trial_SOURCES = \
	tests/unit/test_trial.c $(fake_token) \
	tests/unit/soft_token.c tests/unit/soft_token.h
tests_unit_test_trial_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_trial_LDADD = $(key_test_libs)
tests_unit_test_wrapped_SOURCES = \
	tests/unit/test_wrapped.c $(kek_given) \
	tests/unit/members.c tests/unit/members.h
tests_unit_test_wrapped_CPPFLAGS = $(pkcs11_test_cppflags)
tests_unit_test_wrapped_LDADD = $(key_test_libs)

# The agent: one program for each of its files.
check_LIBRARIES = tests/unit/libagenttest.a
tests_unit_libagenttest_a_CPPFLAGS = $(agent_test_cppflags)
tests_unit_libagenttest_a_SOURCES = \
	tests/unit/audit_given.c tests/unit/audit_given.h \
	tests/unit/given.c tests/unit/given.h \
	tests/unit/idl.c tests/unit/idl.h \
	tests/unit/members.c tests/unit/members.h \
	tests/unit/scratch.c tests/unit/scratch.h \
	tests/unit/wire.c tests/unit/wire.h
agent_test_cppflags = $(AM_CPPFLAGS) $(AGENT_CFLAGS) $(CMOCKA_CFLAGS) \
	-DINTERFACE_FILE='"$(abs_top_srcdir)/doc/io.hintsign.Agent.varlink"'
agent_test_libs = tests/unit/libagenttest.a $(AGENT_LIBS) $(CMOCKA_LIBS)
if HAVE_CMOCKA
AGENT_TESTS = \
	tests/unit/test_accept \
	tests/unit/test_access \
	tests/unit/test_activation \
	tests/unit/test_admin_serve \
	tests/unit/test_audit \
	tests/unit/test_audit_file \
	tests/unit/test_audit_keeper \
	tests/unit/test_audit_rewrite \
	tests/unit/test_audit_rotate \
	tests/unit/test_audit_open \
	tests/unit/test_audit_sync \
	tests/unit/test_base64 \
	tests/unit/test_base64url \
	tests/unit/test_compose \
	tests/unit/test_conf \
	tests/unit/test_conn \
	tests/unit/test_fair \
	tests/unit/test_hsm \
	tests/unit/test_flood \
	tests/unit/test_form \
	tests/unit/test_json_file \
	tests/unit/test_json_line \
	tests/unit/test_json_value \
	tests/unit/test_kind \
	tests/unit/test_limits \
	tests/unit/test_listener \
	tests/unit/test_log \
	tests/unit/test_metrics \
	tests/unit/test_notify \
	tests/unit/test_peer \
	tests/unit/test_policy \
	tests/unit/test_policy_callers \
	tests/unit/test_process \
	tests/unit/test_profile \
	tests/unit/test_rate \
	tests/unit/test_reply \
	tests/unit/test_request \
	tests/unit/test_serve \
	tests/unit/test_status \
	tests/unit/test_text \
	tests/unit/test_unit
check_PROGRAMS += $(AGENT_TESTS)
TESTS += $(AGENT_TESTS)
endif
tests_unit_test_accept_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_accept_LDADD = $(agent_test_libs)
tests_unit_test_access_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_access_LDADD = $(agent_test_libs)
tests_unit_test_activation_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_activation_LDADD = $(agent_test_libs)
tests_unit_test_metrics_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_metrics_LDADD = $(agent_test_libs)
tests_unit_test_notify_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_notify_LDADD = $(agent_test_libs)
tests_unit_test_admin_serve_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_admin_serve_LDADD = $(agent_test_libs)
tests_unit_test_audit_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_audit_LDADD = $(agent_test_libs)
tests_unit_test_audit_file_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_audit_file_LDADD = $(agent_test_libs)
tests_unit_test_audit_keeper_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_audit_keeper_LDADD = $(agent_test_libs)
tests_unit_test_audit_rewrite_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_audit_rewrite_LDADD = $(agent_test_libs)
tests_unit_test_audit_rotate_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_audit_rotate_LDADD = $(agent_test_libs)
tests_unit_test_audit_open_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_audit_open_LDADD = $(agent_test_libs)
tests_unit_test_audit_sync_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_audit_sync_LDADD = $(agent_test_libs)
tests_unit_test_base64_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_base64_LDADD = $(agent_test_libs)
tests_unit_test_base64url_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_base64url_LDADD = $(agent_test_libs)
tests_unit_test_compose_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_compose_LDADD = $(agent_test_libs)
tests_unit_test_conf_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_conf_LDADD = $(agent_test_libs)
tests_unit_test_conn_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_conn_LDADD = $(agent_test_libs)
tests_unit_test_fair_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_fair_LDADD = $(agent_test_libs)
tests_unit_test_hsm_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_hsm_LDADD = $(agent_test_libs)
tests_unit_test_flood_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_flood_LDADD = $(agent_test_libs)
tests_unit_test_form_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_form_LDADD = $(agent_test_libs)
tests_unit_test_json_file_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_json_file_LDADD = $(agent_test_libs)
tests_unit_test_json_line_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_json_line_LDADD = $(agent_test_libs)
tests_unit_test_json_value_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_json_value_LDADD = $(agent_test_libs)
tests_unit_test_kind_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_kind_LDADD = $(agent_test_libs)
tests_unit_test_limits_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_limits_LDADD = $(agent_test_libs)
tests_unit_test_listener_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_listener_LDADD = $(agent_test_libs)
tests_unit_test_log_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_log_LDADD = $(agent_test_libs)
tests_unit_test_peer_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_peer_LDADD = $(agent_test_libs)
tests_unit_test_policy_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_policy_LDADD = $(agent_test_libs)
tests_unit_test_policy_callers_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_policy_callers_LDADD = $(agent_test_libs)
tests_unit_test_process_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_process_LDADD = $(agent_test_libs)
tests_unit_test_profile_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_profile_LDADD = $(agent_test_libs)
tests_unit_test_rate_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_rate_LDADD = $(agent_test_libs)
tests_unit_test_reply_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_reply_LDADD = $(agent_test_libs)
tests_unit_test_request_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_request_LDADD = $(agent_test_libs)
tests_unit_test_serve_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_serve_LDADD = $(agent_test_libs)
tests_unit_test_status_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_status_LDADD = $(agent_test_libs)
tests_unit_test_text_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_text_LDADD = $(agent_test_libs)
tests_unit_test_unit_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_unit_LDADD = $(agent_test_libs)

# agent/jose/, linked with nothing else of ours; its vectors are those of the RFCs.
if HAVE_CMOCKA
JOSE_TESTS = \
	tests/unit/test_jose \
	tests/unit/test_jose_vectors \
	tests/unit/test_jwe \
	tests/unit/test_jwk \
	tests/unit/test_jwks \
	tests/unit/test_jws
check_LIBRARIES += tests/unit/libjosetest.a
check_PROGRAMS += $(JOSE_TESTS)
TESTS += $(JOSE_TESTS)
endif
EXTRA_DIST += tests/unit/jose_vectors.json
jose_test_cppflags = $(AM_CPPFLAGS) $(JOSE_CFLAGS) $(CMOCKA_CFLAGS) \
	-DJOSE_VECTORS='"$(abs_top_srcdir)/tests/unit/jose_vectors.json"'
tests_unit_libjosetest_a_CPPFLAGS = $(jose_test_cppflags)
tests_unit_libjosetest_a_SOURCES = \
	tests/unit/jose_given.c tests/unit/jose_given.h \
	tests/unit/jose_keys.c tests/unit/jose_keys.h
jose_test_libs = tests/unit/libjosetest.a $(JOSE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_jose_CPPFLAGS = $(jose_test_cppflags)
tests_unit_test_jose_LDADD = $(jose_test_libs)
tests_unit_test_jose_vectors_CPPFLAGS = $(jose_test_cppflags)
tests_unit_test_jose_vectors_LDADD = $(jose_test_libs)
tests_unit_test_jwe_CPPFLAGS = $(jose_test_cppflags)
tests_unit_test_jwe_LDADD = $(jose_test_libs)
tests_unit_test_jwk_CPPFLAGS = $(jose_test_cppflags)
tests_unit_test_jwk_LDADD = $(jose_test_libs)
tests_unit_test_jwks_CPPFLAGS = $(jose_test_cppflags)
tests_unit_test_jwks_LDADD = $(jose_test_libs)
tests_unit_test_jws_CPPFLAGS = $(jose_test_cppflags)
tests_unit_test_jws_LDADD = $(jose_test_libs)

# ... and held against the libraries of others.
INTEGRATION_TESTS += tests/integration/215-jose-matrix.sh
EXTRA_DIST += tests/interop/jose_matrix.py tests/interop/jose_peer.mjs
check_PROGRAMS += tests/interop/jose_tool
tests_interop_jose_tool_CPPFLAGS = $(AM_CPPFLAGS) $(JOSE_CFLAGS)
tests_interop_jose_tool_SOURCES = tests/interop/jose_tool.c tests/unit/jose_keys.c
tests_interop_jose_tool_LDADD = $(JOSE_LIBS)

# OpenSSL's provider, used by the openssl command and by a program.
INTEGRATION_TESTS += \
	tests/integration/140-openssl.sh \
	tests/integration/141-openssl-threads.sh
EXTRA_DIST += tests/integration/openssl.sh
if PROVIDER
check_PROGRAMS += tests/interop/evp_client
endif
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_provider_jwk
TESTS += tests/unit/test_provider_jwk
endif
tests_unit_test_provider_jwk_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_provider_jwk_SOURCES = tests/unit/test_provider_jwk.c \
	client/provider/algorithm.c client/provider/jwk.c
tests_unit_test_provider_jwk_LDADD = $(CMOCKA_LIBS) $(CRYPTO_LIBS) $(JANSSON_LIBS)
tests_interop_evp_client_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
tests_interop_evp_client_SOURCES = tests/interop/evp_client.c
tests_interop_evp_client_LDADD = libhintsign.la $(CRYPTO_LIBS)

# SoftHSM2 that misbehaves by script.
check_LTLIBRARIES += tests/fault/faulty.la
tests_fault_faulty_la_CPPFLAGS = $(AM_CPPFLAGS) $(P11KIT_CFLAGS)
tests_fault_faulty_la_LDFLAGS = -module -avoid-version -shared -rpath /nowhere $(HARDEN_LDFLAGS) $(SAN_FLAGS)
tests_fault_faulty_la_SOURCES = tests/fault/faulty.c

# hintsign-fetch, and the files that it leaves for the agent.
EXTRA_DIST += tests/integration/faulty.sh tests/integration/remote.sh tests/integration/provider.sh tests/integration/https_server.py
INTEGRATION_TESTS += \
	tests/integration/200-fetch.sh \
	tests/integration/201-fetch-hostile.sh \
	tests/integration/202-fetch-network.sh \
	tests/integration/203-fetch-stays.sh \
	tests/integration/204-fetch-apart.sh
if HAVE_CMOCKA
KEYS_FILE_TESTS = \
	tests/unit/test_provider_keys \
	tests/unit/test_provider_keys_file
check_PROGRAMS += $(KEYS_FILE_TESTS)
TESTS += $(KEYS_FILE_TESTS)
if FETCH
FETCH_TESTS = \
	tests/unit/test_fetch_discovery \
	tests/unit/test_fetch_http \
	tests/unit/test_fetch_schedule \
	tests/unit/test_fetch_settings
check_PROGRAMS += $(FETCH_TESTS)
TESTS += $(FETCH_TESTS)
endif
endif
tests_unit_test_provider_keys_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_provider_keys_LDADD = $(agent_test_libs)
tests_unit_test_provider_keys_file_CPPFLAGS = $(agent_test_cppflags)
tests_unit_test_provider_keys_file_LDADD = $(agent_test_libs)
fetch_test_cppflags = $(AM_CPPFLAGS) $(FETCH_CFLAGS) $(CMOCKA_CFLAGS)
fetch_test_libs = tests/unit/libagenttest.a $(FETCH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_fetch_discovery_CPPFLAGS = $(fetch_test_cppflags)
tests_unit_test_fetch_discovery_LDADD = $(fetch_test_libs)
tests_unit_test_fetch_http_CPPFLAGS = $(fetch_test_cppflags)
tests_unit_test_fetch_http_LDADD = $(fetch_test_libs)
tests_unit_test_fetch_schedule_CPPFLAGS = $(fetch_test_cppflags)
tests_unit_test_fetch_schedule_LDADD = $(fetch_test_libs)
tests_unit_test_fetch_settings_CPPFLAGS = $(fetch_test_cppflags)
tests_unit_test_fetch_settings_LDADD = $(fetch_test_libs)

# hintsign-audit.
INTEGRATION_TESTS += tests/integration/091-audit-verify.sh
EXTRA_DIST += tests/integration/audit_log.py
if HAVE_CMOCKA
AUDIT_TESTS = \
	tests/unit/test_audit_line \
	tests/unit/test_chain
check_PROGRAMS += $(AUDIT_TESTS)
TESTS += $(AUDIT_TESTS)
endif
audit_test_cppflags = $(AM_CPPFLAGS) $(AUDIT_CFLAGS) $(CMOCKA_CFLAGS) \
	-DJOSE_VECTORS='"$(abs_top_srcdir)/tests/unit/jose_vectors.json"'
audit_test_libs = tests/unit/libjosetest.a $(AUDIT_LIBS) $(CMOCKA_LIBS)
tests_unit_test_audit_line_CPPFLAGS = $(audit_test_cppflags)
tests_unit_test_audit_line_LDADD = $(audit_test_libs)
tests_unit_test_chain_CPPFLAGS = $(audit_test_cppflags)
tests_unit_test_chain_SOURCES = \
	tests/unit/test_chain.c \
	tests/unit/audit_log.c tests/unit/audit_log.h
tests_unit_test_chain_LDADD = $(audit_test_libs)

# Real OpenID Providers, and the recipes of doc/recipes with one of them.
INTEGRATION_TESTS += \
	tests/integration/300-provider.sh \
	tests/integration/301-provider-replay.sh \
	tests/integration/302-provider-tampered.sh \
	tests/integration/310-recipes.sh \
	tests/integration/311-pods.sh \
	tests/integration/312-documents.sh \
	tests/integration/320-operations.sh \
	tests/integration/321-documents.sh \
	tests/integration/322-readme.sh
EXTRA_DIST += tests/integration/house.sh tests/integration/document.py
EXTRA_DIST += Containerfile .containerignore
EXTRA_DIST += \
	tests/integration/op.sh tests/integration/pieces.py \
	tests/interop/op/accepts.mjs tests/interop/op/client.mjs tests/interop/op/hints.mjs \
	tests/interop/op/provider.mjs tests/interop/op/refusals.mjs tests/interop/op/replays.mjs \
	tests/interop/op/tampered.mjs tests/interop/op/verify.mjs
