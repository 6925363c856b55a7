# What dpkg-buildpackage makes the Debian packages of, also from a release archive.
EXTRA_DIST += \
	debian/changelog debian/control debian/copyright debian/rules debian/source/format \
	debian/hintsign-agent.install debian/hintsign-agent.postrm debian/hintsign-agent.prerm \
	debian/hintsign-fetch.install debian/hintsign-fetch.postrm debian/hintsign-fetch.prerm \
	debian/hintsign-tools.install \
	debian/libhintsign0.install debian/libhintsign0.symbols \
	debian/libhintsign-dev.install \
	debian/not-installed \
	debian/openssl-provider-hintsign.install
