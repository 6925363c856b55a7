# The client library, the command, and the framing that the agent shares.
include_HEADERS += client/hintsign.h
pkgconfig_DATA += client/hintsign.pc
EXTRA_DIST += client/varlink.h client/varlink.c
