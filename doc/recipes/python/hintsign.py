"""Tokens from hintsign-agent; client authentication for Authlib."""
import json
import os
import socket

from authlib.common.urls import add_params_to_qs

SOCKET = os.environ.get("HINTSIGN_SOCKET", "/run/hintsign/agent.sock")
TIMEOUT = 10  # seconds
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Refused(Exception):
    """Its arguments: the error's name, and a dict with `message`, often `retry_after_ms`."""


def mint(profile, **parameters):
    """A token of the profile; the parameters are audience, claims and reference."""
    call = {"method": "io.hintsign.Agent.Mint", "parameters": {"profile": profile, **parameters}}
    with socket.socket(socket.AF_UNIX) as agent:
        agent.settimeout(TIMEOUT)
        agent.connect(SOCKET)
        agent.sendall(json.dumps(call).encode() + b"\0")
        agent.shutdown(socket.SHUT_WR)
        text = b"".join(iter(lambda: agent.recv(65536), b""))
    if not text.endswith(b"\0"):
        raise ConnectionError("hintsign-agent has hung up")
    reply = json.loads(text[:-1])
    if "error" in reply:
        raise Refused(reply["error"], reply["parameters"])
    return reply["parameters"]["token"]


def client_auth(profile, audience):
    """A token_endpoint_auth_method: each request has a client assertion of its own."""
    def authenticate(client, method, uri, headers, body):
        body = add_params_to_qs(body or "", [
            ("client_id", client.client_id), ("client_assertion_type", ASSERTION),
            ("client_assertion", mint(profile, audience=audience))])
        headers["Content-Length"] = str(len(body))
        return uri, headers, body
    return authenticate
