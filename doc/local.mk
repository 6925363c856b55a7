dist_doc_DATA += doc/io.hintsign.Agent.varlink doc/io.hintsign.Admin.varlink
dist_man_MANS += doc/hintsign.1 doc/hintsign-key.1 doc/hintsign-audit.1 doc/libhintsign.3
dist_man_MANS += doc/hintsign-agent.8 doc/hintsign-agent.json.5 doc/hintsign-provider.7
dist_doc_DATA += doc/architecture.md doc/operations.md doc/security.md
if FETCH
dist_man_MANS += doc/hintsign-fetch.8
endif
