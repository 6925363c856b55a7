"""A Varlink client for tests: it sends exactly the bytes that it is told to, and prints results
for include_tap of lib.sh."""
import json
import os
import socket
import sys

AGENT = "io.hintsign.Agent."
SERVICE = "org.varlink.service."
SOCKET = os.environ["HINTSIGN_SOCKET"]
TIMEOUT = 20  # seconds: an answer that takes longer is no answer


def ok(condition, name, *details):
    print("ok - " + name if condition else "not ok - " + name)
    if not condition:
        for detail in details:
            print("# " + repr(detail)[:1000])
    sys.stdout.flush()


def equal(got, wanted, name):
    ok(got == wanted, name, got, wanted)


class Client:
    def __init__(self, path=SOCKET):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(TIMEOUT)
        self.socket.connect(path)
        self.data = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """Returns whether the agent took it all."""
        try:
            self.socket.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def read(self):
        """The next message, without its NUL; None at the end."""
        while b"\0" not in self.data:
            try:
                more = self.socket.recv(1 << 20)
            except ConnectionResetError:
                more = b""
            if not more:
                return None
            self.data += more
        message, self.data = self.data.split(b"\0", 1)
        return message

    def reply(self):
        message = self.read()
        return None if message is None else json.loads(message)

    def call(self, method, parameters=None, **switches):
        self.send(encode(method, parameters, **switches))
        return self.reply()

    def mint(self, profile, **claims):
        return self.call(AGENT + "Mint", {"profile": profile, "claims": claims})


def encode(method, parameters=None, **switches):
    message = {"method": method, **switches}
    if parameters is not None:
        message["parameters"] = parameters
    return json.dumps(message).encode() + b"\0"


def error(reply):
    """The name of the error, without its interface; None where it is none."""
    return reply["error"].rsplit(".", 1)[1] if reply and "error" in reply else None


def token(reply):
    return reply["parameters"]["token"] if reply and "error" not in reply else None
