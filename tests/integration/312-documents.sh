#!/usr/bin/env bash
# The configuration that documents show is what the agent takes, also where Kubernetes lays it out;
# the Containerfile installs what the programs are linked with.
. "$(dirname "$0")/lib.sh"
need softhsm2-util python3
documents=(README.md doc/providers.md doc/tokens.md doc/scaling.md doc/kubernetes.md doc/recipes/README.md)
for document in "${documents[@]}"; do
    [ -e "$top_srcdir/$document" ] || skip_all "$document is not there"
done

# Each example in JSON, in a file of its own. What belongs to somebody's machine is
# exchanged: users, groups, folders.
python3 - "$work" "${documents[@]/#/$top_srcdir/}" <<'END' || bail_out 'bad JSON'
import json, os, re, sys
work, *documents = sys.argv[1:]
for document in documents:
    text = open(document, encoding="utf-8").read()
    for number, block in enumerate(re.findall(r"^ *```json\n(.*?)^ *```$", text, re.M | re.S), 1):
        example = json.loads(block)
        name = f"{os.path.basename(os.path.dirname(document))}-{os.path.basename(document)[:-3]}-{number}".lower()
        os.makedirs(f"{work}/{name}/profiles.d", exist_ok=True)
        agent = example if "tokens" in example else {"version": 1, "tokens": [{
            "name": "a", "uri": "pkcs11:token=a?module-path=/none.so&pin-source=file:/none"}]}
        if agent is not example:
            for entry in example.get("allow", []):
                if "user" in entry:
                    entry["user"] = "root"
            names = [entry["listener"] for entry in example.get("allow", []) if "listener" in entry]
            agent["listeners"] = [{"name": n, "path": f"{work}/{n}.sock"} for n in names or ["default"]]
            with open(f"{work}/{name}/profiles.d/example.json", "w") as file:
                json.dump(example, file)
        agent["profiles_dir"] = f"{work}/{name}/profiles.d"
        with open(f"{work}/{name}/agent.json", "w") as file:
            json.dump(agent, file)
END
for config in "$work"/*/agent.json; do
    name=$(basename "$(dirname "$config")")
    runs 0 "$name is taken" hintsign-agent --config "$config" --check
done
like "$(ls -d "$work"/*/ | wc -l)" '^[1-9][0-9]+$' 'the documents have examples'

# --- a command, with the profile beside it ---

token_create
key_generate shop ec:P-256
profile_write shop.hint <<END
$(sed "s|\"allow\": .*|\"allow\": $allow_me }|" "$(grep -l subject_type "$work"/*/profiles.d/example.json)")
END
agent_config
agent_start
command=$(sed -n 's/^    \(hintsign mint shop\.hint .*\)/\1/p' "$top_srcdir/doc/providers.md")
runs 0 "$command" bash -c "$command"
like "$(hintsign decode "$(cat "$work/stdout")" 2>/dev/null | tr -d ' \n')" \
    '"subject":\{"subject_type":"mail","mail":"bob@example.com"\}' '... as Janssen wants it'
agent_stop
rm "$work/profiles.d/shop.hint.json"

# --- as Kubernetes lays out ConfigMaps and Secrets: folders that all can write, with links ---

# volume NAME FILE...
volume() {
    local folder=$work/$1 file
    mkdir -p "$folder/..2026" && ln -s ..2026 "$folder/..data"
    for file in "${@:2}"; do
        cp "$file" "$folder/..2026/" && ln -s "..data/$(basename "$file")" "$folder/"
    done
    chmod 755 "$folder/..2026" && chmod 777 "$folder"
}
key_import acme "$(random_hex 32)"
profile_pingone acme
agent_config
volume secret "$work/pin"
volume profiles "$work/profiles.d/acme.json"
sed -i "s|$work/profiles.d|$work/profiles/..data|; s|$work/pin|$work/secret/..data/pin|" "$work/agent.json"
volume config "$work/agent.json"
runs 0 'configuration, profiles and PIN are read by way of ..data' \
    hintsign-agent --config "$work/config/..data/agent.json" --check --token
for name in config profiles secret; do
    sed "s|$work/$name/..data|$work/$name|" "$work/agent.json" >"$work/config/..2026/agent.json"
    config=$work/config/..data/agent.json
    [ $name != config ] || config=$work/config/agent.json
    runs 1 "$name: not from the folder itself" hintsign-agent --config "$config" --check --token
    like "$(cat "$work/stdout" "$work/stderr")" 'others can write its folder' '... as is said'
done

# --- the image ---

# package_of LIBRARY: its Debian package. Paths below /usr are known without it.
package_of() {
    local path
    path=$(readlink -f "$1")
    { dpkg-query --search "$path" || dpkg-query --search "${path#/usr}"; } 2>/dev/null | sed 's/:.*//; q'
}
if command -v dpkg-query ldd >/dev/null && [ "$SANITIZED" = no ] && [ -d "$top_builddir/.libs" ]; then
    lacks=
    for program in hintsign-agent hintsign-fetch hintsign-key hintsign-audit hintsign; do
        for library in libcrypto libcurl libjansson libp11-kit; do
            path=$(ldd "$(command -v $program)" 2>/dev/null | sed -n "s|.*=> \(/[^ ]*/$library\.so[^ ]*\).*|\1|p")
            [ -n "$path" ] || continue
            package=$(package_of "$path")
            grep -qw -- "$package" "$top_srcdir/Containerfile" || lacks+=" $package"
        done
    done
    is "$lacks" '' 'the image has the libraries of all programs'
else
    skip 'the image has the libraries of all programs' 'not a plain build on Debian'
fi
done_testing
