dist_doc_DATA += doc/io.hintsign.Agent.varlink doc/io.hintsign.Admin.varlink
dist_man_MANS += doc/hintsign.1 doc/hintsign-key.1 doc/hintsign-audit.1 doc/libhintsign.3
dist_man_MANS += doc/hintsign-agent.8 doc/hintsign-agent.json.5
dist_doc_DATA += doc/architecture.md doc/operations.md doc/rotate-client-secret.md doc/security.md
dist_doc_DATA += doc/performance.md doc/kubernetes.md doc/providers.md doc/scaling.md doc/tokens.md
performancedir = $(docdir)/performance
dist_performance_DATA = \
	doc/performance/latency-HS256.svg doc/performance/slow-hsm.svg \
	doc/performance/throughput-ES256.svg doc/performance/throughput-HS256.svg \
	doc/performance/throughput-RS256.svg
if FETCH
dist_man_MANS += doc/hintsign-fetch.8
endif
if PROVIDER
dist_man_MANS += doc/hintsign-provider.7
endif

# Programs to copy, in a folder for each language.
recipesdir = $(docdir)/recipes
recipes_godir = $(recipesdir)/go
recipes_javadir = $(recipesdir)/java
recipes_nodedir = $(recipesdir)/node
recipes_phpdir = $(recipesdir)/php
recipes_pythondir = $(recipesdir)/python
dist_recipes_DATA = doc/recipes/README.md
dist_recipes_go_DATA = doc/recipes/go/ciba.go doc/recipes/go/hintsign.go
dist_recipes_java_DATA = \
	doc/recipes/java/Ciba.java doc/recipes/java/Hintsign.java \
	doc/recipes/java/HintsignClientAssertion.java
dist_recipes_node_DATA = doc/recipes/node/ciba.mjs doc/recipes/node/hintsign.mjs
dist_recipes_php_DATA = doc/recipes/php/ciba.php doc/recipes/php/hintsign.php
dist_recipes_python_DATA = doc/recipes/python/ciba.py doc/recipes/python/hintsign.py
