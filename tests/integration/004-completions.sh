#!/usr/bin/env bash
# Completion in bash and zsh offers what --help names, profiles while an agent answers, and files.
. "$(dirname "$0")/lib.sh"
need softhsm2-util python3
programs=(hintsign hintsign-agent hintsign-audit hintsign-key)
[ ! -x "$top_builddir/hintsign-fetch" ] || programs+=(hintsign-fetch)
mkdir "$work/bash" "$work/zsh" "$work/files"
touch "$work/files/some.json"
for program in "${programs[@]}"; do
    sed "s|@program@|$program|" "$top_srcdir/completions/hintsign.bash" >"$work/bash/$program"
    sed "s|@program@|$program|" "$top_srcdir/completions/hintsign.zsh" >"$work/zsh/_$program"
done
cd "$work/files" || bail_out 'no folder'

# options PROGRAM [COMMAND]: as --help has them, a line for all.
options() {
    { "$1" --help && [ $# -eq 1 ] || "$@" --help; } | awk '/^  --/ { gsub(",", ""); for (i = 1; $i ~ /^--/; i++) print $i }' |
        sort -u | paste -sd ' '
}

# commands PROGRAM
commands() {
    "$1" --help | awk '/^  [a-z]/ { print $1 }' | sort | paste -sd ' '
}

# --- bash ---

bash_completion=/usr/share/bash-completion/bash_completion

# bash_offers LINE: what a tab at its end offers, sorted. The line is cut into words as readline does.
bash_offers() {
    bash --norc -c '
        . "$1"
        . "$2/${3%% *}"
        COMP_LINE=$3 COMP_POINT=${#3}
        COMP_WORDS=($(sed -E "s/[:=]+/ & /g" <<<"$3"))
        [[ $3 != *[\ =:] ]] || COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _hintsign "${3%% *}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf "%s\n" "${COMPREPLY[@]}"' - "$bash_completion" "$work/bash" "$1" 2>&1 | sort -u | paste -sd ' '
}

bash_cases() {
    local program command
    for program in "${programs[@]}"; do
        is "$(bash_offers "$program --")" "$(options "$program")" "bash: $program: its options"
        for command in $(commands "$program"); do
            is "$(bash_offers "$program $command --")" "$(options "$program" "$command")" \
                "bash: $program $command: its options"
        done
    done
    for program in hintsign hintsign-key hintsign-audit; do
        is "$(bash_offers "$program ")" "$(commands "$program")" "bash: $program: its commands"
    done
    is "$(bash_offers 'hintsign --timeout 5 pro')" profiles '... behind options'
    is "$(bash_offers 'hintsign mint --subjects-')" --subjects-from 'bash: an option'
    is "$(bash_offers 'hintsign mint --format ')" 'form json token' 'bash: the values of an option'
    is "$(bash_offers 'hintsign status --format ')" 'json openmetrics text' '... also of long ones'
    is "$(bash_offers 'hintsign mint --format=j')" json '... behind ='
    is "$(bash_offers 'hintsign mint --subject ')" '' 'bash: nothing where anything can be'
    is "$(bash_offers 'hintsign jwks --output so')" some.json 'bash: files'
    is "$(bash_offers 'hintsign-audit verify so')" some.json '... as arguments'
    is "$(bash_offers 'hintsign-key generate --type wrap:rsa:3')" 3072 'bash: values with colons'
    is "$(bash_offers 'hintsign mint ac')" "" "bash: no profiles without an agent"
}

# --- zsh ---

# zsh_shows WAIT_FOR TYPE ...: the terminal, as terminal.py has it.
zsh_shows() {
    ZDOTDIR=$work/zsh TERM=dumb python3 "$top_srcdir/tests/integration/terminal.py" 'ready> ' "$@" '\x15exit\r' -- zsh -d -i
}

zsh_cases() {
    local file
    for file in "$work"/zsh/_*; do runs 0 "zsh reads ${file##*/}" zsh -n "$file"; done
    cat >"$work/zsh/.zshrc" <<END
PS1='ready> ' LISTMAX=10000 COLUMNS=120 LINES=50
path=('$top_builddir' \$path) fpath=('$work/zsh' \$fpath)
autoload -Uz compinit && compinit -u -D
END
    runs 0 'zsh: options' zsh_shows 'hintsign mint --\t' '--version'
    is "$(grep -oE '^--[a-z-]+ ' "$work/stdout" | tr -d ' ' | sort | paste -sd ' ')" "$(options hintsign mint)" \
        '... all that there are'
    like "$(cat "$work/stdout")" '--audience +-- which of' '... with what they are for'
    runs 0 'zsh: commands' zsh_shows 'hintsign-key \t' 'try what a token can do'
    is "$(grep -oE '^[a-z-]+ +-- ' "$work/stdout" | sed 's/ .*//' | sort | paste -sd ' ')" \
        "$(commands hintsign-key)" '... all that there are'
    runs 0 'zsh: a command, an option, a value with colons' \
        zsh_shows 'hintsign-key gen\t' 'generate ' '--ty\t' '--type ' 'wr\t' 'wrap:rsa:'
    runs 0 'zsh: values' zsh_shows 'hintsign mint --format \t' 'token'
    like "$(tr '\n' ' ' <"$work/stdout")" 'form +json +token' '... of an option'
    runs 0 'zsh: files' zsh_shows 'hintsign-audit verify so\t' 'some.json'
    runs 0 'zsh: profiles' zsh_shows 'hintsign mint ac\t' 'acme'
}

if [ -e "$bash_completion" ]; then
    bash_cases
else
    skip 'bash' 'bash-completion is not installed'
fi
token_create
key_import acme "$(random_hex 32)"
profile_pingone acme
agent_config
agent_start
[ ! -e "$bash_completion" ] || is "$(bash_offers 'hintsign mint ac')" acme 'bash: profiles'
if command -v zsh >/dev/null; then zsh_cases; else skip 'zsh' 'it is not installed'; fi
agent_stop
done_testing
