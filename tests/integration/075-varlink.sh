#!/usr/bin/env bash
# Any Varlink client can call the agent: what it says of itself, and of its profiles.
. "$(dirname "$0")/lib.sh"
need softhsm2-util python3

token_create
key_import acme "$(random_hex 32)"
profile_pingone acme
profile_write shop <<END
{ "version": 1, "kind": "authway", "key": "pkcs11:object=missing", "algorithm": "HS256",
  "client_id": "CLIENT", "audiences": [ "https://a.example", "https://b.example" ],
  "accept": { "email": "email", "phone": "e164" }, "required": [ "phone" ],
  "one_of": [ [ "sub", "email" ] ], "allow": $allow_me }
END
profile_write secret <<END
{ "version": 1, "kind": "pingone", "key": "pkcs11:object=acme", "algorithm": "HS256",
  "client_id": "CLIENT", "audiences": [ "https://op.example" ] }
END
agent_config
agent_launch
version=$(hintsign-agent --version | cut -d' ' -f2)

cat >"$work/varlink.py" <<'END'
import sys
sys.path.insert(0, __import__("os").environ["top_srcdir"] + "/tests/integration")
from varlink_client import *
version = sys.argv[1]

def description(interface):
    reply = client.call(SERVICE + "GetInterfaceDescription", {"interface": interface})
    return reply["parameters"]["description"]

client = Client()
info = client.call(SERVICE + "GetInfo")["parameters"]
equal(sorted(info), ["interfaces", "product", "url", "vendor", "version"], "GetInfo has what Varlink asks for")
equal(info["interfaces"], ["org.varlink.service", "io.hintsign.Agent"], "... the interfaces")
equal((info["vendor"], info["product"], info["version"]), ("hintsign", "hintsign-agent", version), "... and who it is")
with open(os.environ["top_srcdir"] + "/doc/io.hintsign.Agent.varlink", encoding="utf-8") as file:
    equal(description("io.hintsign.Agent"), file.read(), "the interface is doc/io.hintsign.Agent.varlink, to the byte")
ok("interface org.varlink.service\n" in description("org.varlink.service"), "so is Varlink's own")

profiles = client.call(AGENT + "ListProfiles")["parameters"]
equal([profile["name"] for profile in profiles["profiles"]], ["acme", "shop"], "ListProfiles has those that one may use")
acme, shop = profiles["profiles"]
equal((acme["kind"], acme["algorithm"], acme["audiences"], acme["ready"]),
      ("pingone", "HS256", ["https://op.example"], True), "... what they are")
equal((acme["required"], acme["one_of"]), (["sub"], []), "... what must be given")
equal(shop["audiences"], ["https://a.example", "https://b.example"], "... several audiences")
equal((shop["required"], shop["one_of"]), (["phone"], [["sub", "email"]]), "... one of several claims")
equal(shop["ready"], False, "... and whether they are ready")

status = client.call(AGENT + "GetStatus")["parameters"]
equal((status["version"], status["configuration"], status["ready"]), (version, 1, False), "GetStatus")
equal(status["tokens"], [{"name": "a", "state": "up"}], "... of the tokens")
equal(status["profiles"], [{"name": "acme", "ready": True},
                           {"name": "shop", "ready": False, "reason": "no such key on token a"}],
      "... and of the caller's own profiles")

minted = client.call(AGENT + "Mint", {"profile": "acme", "claims": {"sub": "bob"}, "reference": "order 17"})
minted = minted["parameters"]
equal(sorted(minted), ["expires_at", "id", "token"], "Mint, without what the profile does not have")
ok(isinstance(minted["expires_at"], int) and isinstance(minted["id"], int), "... numbers as numbers", minted)
equal(client.call(AGENT + "Mint", {"profile": "acme", "claims": {"sub": "bob"}})["parameters"]["id"],
      minted["id"] + 1, "... the next id")
failed = client.call(AGENT + "Mint", {"profile": "shop", "audience": "https://a.example",
                                      "claims": {"sub": "bob", "phone": "+4917112345"}})
equal(failed["error"], AGENT + "KeyUnavailable", "an error is named with its interface")
equal(list(failed["parameters"]), ["message"], "... and has its message")
END
python3 "$work/varlink.py" "$version" >"$work/tap"
is $? 0 'all of it was asked'
include_tap <"$work/tap"
like "$(grep -m 1 '"type":"mint"' "$work/audit.jsonl")" '"reference":"order 17"' 'the reference stands in the audit log'

if command -v varlinkctl >/dev/null; then
    runs 0 'varlinkctl info' varlinkctl info "unix:$HINTSIGN_SOCKET"
    runs 0 'varlinkctl introspect' varlinkctl introspect "unix:$HINTSIGN_SOCKET" io.hintsign.Agent
    runs 0 'varlinkctl call' varlinkctl call "unix:$HINTSIGN_SOCKET" io.hintsign.Agent.Mint \
        '{"profile":"acme","claims":{"sub":"bob"}}'
    like "$(cat "$work/stdout")" '"token"' '... gets a token'
else
    skip 'varlinkctl' 'it is not installed'
fi
agent_stop
done_testing
