# Shell library: token "a" by way of a module that misbehaves by script (tests/fault/faulty.c says
# how). Needs lib.sh.
# shellcheck shell=bash disable=SC2034,SC2154
#
#   faulty_token                             # after token_create: agent_config takes it instead
#   script 'C_Sign 0x30 2' 'C_Login hang 1'  # from now on; it takes the place of the one before
#   calls C_Sign                             # how often the module has seen it

faulty_module=$top_builddir/tests/fault/.libs/faulty.so

# faulty_token [MEMBERS]: members of the token in agent.json.
faulty_token() {
    export FAULTY_MODULE=$module FAULTY_SCRIPT=$work/script
    : >"$FAULTY_SCRIPT"
    token_through "$faulty_module" "$@"
}

script() {
    printf '%s\n' "$@" >"$FAULTY_SCRIPT.new"
    mv "$FAULTY_SCRIPT.new" "$FAULTY_SCRIPT"
}

calls() {
    grep -cx "$1" "$FAULTY_SCRIPT.calls"
}
