# Completion of @program@ for bash, loaded by bash-completion. What it offers is what the program's
# own --help names, so that it is never behind the program.
# shellcheck shell=bash

# _hintsign_values OPTION <HELP: what follows the option there: a word in capitals for a value of
# that sort, or the values themselves, one below the other.
_hintsign_values() {
    awk -v option="$1" '
        index($0, "  " option " ") == 1 && substr($0, length(option) + 4, 1) != " " {
            column = length(option) + 4
            print $2
            next
        }
        column && match($0, /[^ ]/) && RSTART == column { print $1; next }
        { column = 0 }'
}

# _hintsign_profiles PROGRAM [OPTION...]: those that the caller may use, if an agent answers.
_hintsign_profiles() {
    "$1" profiles --timeout 1 "${@:2}" 2>/dev/null | awk 'NR > 1 { print $1 }'
}

# _hintsign_offer SORT...: sorts of values, or values.
_hintsign_offer() {
    case $1 in
    FILE | PATH | JWKS) _filedir && return ;;
    PROFILE) set -- $(_hintsign_profiles "$program" "${socket[@]}") ;;
    ALG) set -- HS256 HS384 HS512 ;;
    TYPE)
        set -- rsa:{2048,3072,4096} ec:P-{256,384,521} ed25519 hmac:{256,384,512} \
            wrap:rsa:{2048,3072,4096}
        ;;
    [A-Z]*) return ;;
    esac
    COMPREPLY=($(compgen -W "$*" -- "$cur"))
    __ltrim_colon_completions "$cur"
}

_hintsign() {
    local cur prev words cword split program=$1 help commands word i sort=
    local -a socket=()
    _init_completion -s -n : || return
    help=$("$program" --help 2>/dev/null)
    commands=$(sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p' <<<"$help")
    for ((i = 1; i < cword; i++)); do
        word=${words[i]}
        [ "$word" != --socket ] || socket=(--socket "${words[i + 1]}")
        [[ -n $commands && $'\n'$commands$'\n' == *$'\n'"$word"$'\n'* ]] || continue
        help+=$'\n'$("$program" "$word" --help 2>/dev/null)
        commands=
    done

    [[ $prev != --* ]] || sort=$(_hintsign_values "$prev" <<<"$help")
    if [ -n "$sort" ]; then
        _hintsign_offer $sort
    elif $split; then
        :
    elif [[ $cur == -* ]]; then
        _hintsign_offer $(grep -oE '^  --[a-z-]+(, --[a-z-]+)*' <<<"$help" | tr -d ,)
    else
        # What the usage names that is not an option's value.
        sort=$(sed -nE 's/--[a-z-]+ [A-Z]+//g; s/^Usage: .*[[ ](PROFILE|FILE).*/\1/p' <<<"$help")
        _hintsign_offer ${commands:-$sort}
    fi
}
complete -F _hintsign @program@
