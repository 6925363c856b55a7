dist_doc_DATA += doc/io.hintsign.Agent.varlink
