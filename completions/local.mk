# Completions for bash and zsh: one source for each shell, installed once for every program, because
# programs may be installed apart from each other.
EXTRA_DIST += completions/hintsign.bash completions/hintsign.zsh

COMPLETED = hintsign hintsign-agent hintsign-audit hintsign-key
if FETCH
COMPLETED += hintsign-fetch
endif
if BASH_COMPLETION
nodist_bashcompletion_DATA = $(COMPLETED:%=completions/bash/%)
endif
if ZSH_COMPLETION
nodist_zshcompletion_DATA = $(COMPLETED:%=completions/zsh/_%)
endif
CLEANFILES += $(nodist_bashcompletion_DATA) $(nodist_zshcompletion_DATA)

completions/bash/%: completions/hintsign.bash
	$(AM_V_GEN)mkdir -p completions/bash && sed 's|[@]program@|$*|' $< >$@
completions/zsh/_%: completions/hintsign.zsh
	$(AM_V_GEN)mkdir -p completions/zsh && sed 's|[@]program@|$*|' $< >$@
