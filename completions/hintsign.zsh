#compdef @program@
# Completion of @program@ for zsh. What it offers is what the program's own --help names, so that
# it is never behind the program.

local program=${(Q)words[1]} option usage word
local -a commands options socket match mbegin mend
local -A values

# _hintsign_read WORD...: takes in what the help says: commands and options, each with what it is
# for; and of an option's value its sort, in capitals, or the values themselves.
_hintsign_read() {
    local line last
    commands=()
    for line in ${(f)"$("$@" --help 2>/dev/null)"}; do
        if [[ $line =~ '^Usage: ' ]]; then
            usage=$line
        elif [[ $line =~ '^  ([a-z][a-z-]*) +(.*)' ]]; then
            commands+=("$match[1]:$match[2]")
        elif [[ $line =~ '^  (--[a-z-]+), (--[a-z-]+)' ]]; then
            options+=($match[1,2])
        elif [[ $line =~ '^  (--[a-z-]+)( ([^ ]+))? *(.*)' ]]; then
            last=$match[1]
            options+=("$last:$match[4]") values[$last]=$match[3]
        elif [[ -n $last && $line =~ '^( +)([a-z]+)  ' && $#match[1] -eq $(($#last + 3)) ]]; then
            values[$last]+=" $match[2]"
        fi
    done
}

# Profiles that the caller may use, if an agent answers.
_hintsign_profiles() {
    local -a lines=(${(f)"$("$program" profiles --timeout 1 $socket 2>/dev/null)"})
    compadd -- ${lines[2,-1]%% *}
}

# _hintsign_offer SORT|VALUE...
_hintsign_offer() {
    case $1 in
    FILE | PATH | JWKS) _files ;;
    PROFILE) _hintsign_profiles ;;
    ALG) compadd HS256 HS384 HS512 ;;
    TYPE)
        compadd rsa:{2048,3072,4096} ec:P-{256,384,521} ed25519 hmac:{256,384,512} \
            wrap:rsa:{2048,3072,4096}
        ;;
    [A-Z]*) _message $1 ;;
    *) compadd -- $@ ;;
    esac
}

_hintsign_read $program
for word in ${words[2,CURRENT-1]}; do
    [[ $option != --socket ]] || socket=(--socket ${(Q)word})
    option=$word
    [[ -z $commands || -z ${(M)commands:#$word:*} ]] || _hintsign_read $program $word
done

if [[ $PREFIX == --*=* ]]; then
    option=${PREFIX%%=*}
    compset -P 1 '*='
fi
if [[ -n ${values[$option]} ]]; then
    _hintsign_offer ${=values[$option]}
elif [[ $PREFIX == -* ]]; then
    _describe -o option options
elif [[ -n $commands ]]; then
    _describe command commands
else
    # What the usage names that is not an option's value.
    [[ ${usage//--[a-z-]## [A-Z]##/} =~ '[[ ](PROFILE|FILE)' ]] && _hintsign_offer $match[1]
fi
