# Units, users and folders for systemd. The drop-ins are installed for whoever needs one to copy.
EXTRA_DIST += systemd/hintsign-agent.service.in systemd/hintsign-fetch.service.in \
	systemd/hintsign-metrics.service.in
if SYSTEMD
dist_systemdsystemunit_DATA = systemd/hintsign-agent.socket systemd/hintsign-metrics.timer
nodist_systemdsystemunit_DATA = systemd/hintsign-agent.service systemd/hintsign-metrics.service
dist_sysusers_DATA = systemd/sysusers.d/hintsign.conf
dist_tmpfiles_DATA = systemd/tmpfiles.d/hintsign.conf
dist_pkgdata_DATA = systemd/hsm-network.conf systemd/hsm-localhost.conf systemd/hsm-usb.conf
if FETCH
nodist_systemdsystemunit_DATA += systemd/hintsign-fetch.service
dist_sysusers_DATA += systemd/sysusers.d/hintsign-fetch.conf
dist_tmpfiles_DATA += systemd/tmpfiles.d/hintsign-fetch.conf
endif
endif
CLEANFILES += systemd/hintsign-agent.service systemd/hintsign-fetch.service \
	systemd/hintsign-metrics.service
systemd/%.service: systemd/%.service.in
	$(AM_V_GEN)mkdir -p systemd && sed 's|[@]sbindir@|$(sbindir)|; s|[@]bindir@|$(bindir)|' $< >$@
