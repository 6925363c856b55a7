#!/usr/bin/python3
"""An agent without keys, for tests of the command: what it replies depends on the subject, or on
the profile whose keys are asked for.

Usage: scripted_agent.py SOCKET FOLDER. Requests are logged to FOLDER/requests, one a line; the
agent is ready once FOLDER/ready exists, and answers nobody while FOLDER/silent does; FOLDER/jwks,
if it exists, is what GetKeys gives."""
import base64
import json
import os
import socketserver
import sys
import threading

path, folder = sys.argv[1:]
interface = "io.hintsign.Agent."

PROFILES = [
    {"name": "pingone", "kind": "pingone", "algorithm": "HS256", "audiences": ["https://op.example/as"],
     "accept": ["sub"], "required": ["sub"], "one_of": [], "ready": True},
    {"name": "shop", "kind": "authway", "algorithm": "HS256", "audiences": ["https://a", "https://b"],
     "accept": ["sub", "email", "tid"], "required": [], "one_of": [["sub", "email"]], "ready": False},
    {"name": "login", "kind": "client_assertion", "algorithm": "HS512", "audiences": ["https://op.example"],
     "accept": [], "required": [], "one_of": [], "ready": True},
    {"name": "\x1b[31mred", "kind": "pingone\x9b", "algorithm": 5, "audiences": "none", "accept": [7]},
]

KEYS = [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AQ", "kid": "k\x7f\x9b"}]

REFUSALS = {
    "refused": ("NotAllowed", {"message": "The profile does not exist, or you may not use it."}),
    "limited": ("RateLimited", {"message": "Too many requests.", "retry_after_ms": 250}),
    "locked": ("Locked", {"message": "The HSM token waits for its PIN."}),
    "escape": ("Internal", {"message": "red \x1b[31m alert\nsecond line \x9b"}),
    "wrong": ("Internal", {"message": 5}),
}


def encode(value):
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def refusal(name):
    error, details = REFUSALS[name]
    return {"error": interface + error, "parameters": details}


def mint(parameters):
    claims = parameters.get("claims", {})
    subject = claims.get("sub")
    if subject in REFUSALS:
        return refusal(subject)
    token = ".".join([encode({"typ": "JWT", "alg": "HS256"}), encode(claims), "AAAA"])
    if subject == "header injection":
        token += "\r\nSet-Cookie: a=b"
    return {"parameters": {"token": token, "expires_at": 1300819680, "kid": "k\x7f", "id": 41}}


def get_keys(parameters):
    if parameters.get("profile") in REFUSALS:
        return refusal(parameters["profile"])
    if os.path.exists(folder + "/jwks"):
        with open(folder + "/jwks") as file:
            return {"parameters": {"jwks": json.load(file)}}
    return {"parameters": {"jwks": {"keys": KEYS}}}


def reply_to(request):
    method = request["method"].removeprefix(interface)
    if method == "Mint":
        return mint(request["parameters"])
    if method == "GetKeys":
        return get_keys(request["parameters"])
    if method == "ListProfiles":
        return {"parameters": {"profiles": PROFILES}}
    if method == "GetStatus":
        ready = os.path.exists(folder + "/ready")
        return {"parameters": {
            "version": "9.9", "ready": ready, "configuration": 3,
            "tokens": [{"name": "a", "state": "up"}, {"name": "b", "state": "down", "detail": "gone"}],
            "profiles": [{"name": "pingone", "ready": True},
                         {"name": "shop", "ready": False, "reason": "no key \x1b[31m"}]}}
    return {"error": "org.varlink.service.MethodNotFound", "parameters": {"method": method}}


class Connection(socketserver.StreamRequestHandler):
    def handle(self):
        data = b""
        while chunk := self.request.recv(65536):
            data += chunk
            *messages, data = data.split(b"\0")
            for message in messages:
                if not self.answer(message):
                    return

    def answer(self, message):
        with open(folder + "/requests", "ab") as log:
            log.write(message + b"\n")
        request = json.loads(message)
        parameters = request.get("parameters", {})
        subject = parameters.get("claims", {}).get("sub") or parameters.get("profile")
        if subject == "silence" or os.path.exists(folder + "/silent"):
            threading.Event().wait()
        if subject == "hang up":
            return False
        reply = b"garbage" if subject == "garbage" else json.dumps(reply_to(request)).encode()
        self.request.sendall(reply + b"\0")
        return True


class Agent(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


Agent(path, Connection).serve_forever()
