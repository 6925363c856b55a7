"""The web server of an OpenID Provider, well-behaved or not, for tests of hintsign-fetch.

Usage: https_server.py FOLDER CERTIFICATE KEY [PORT]   serves FOLDER/www over https on 127.0.0.1
       https_server.py FOLDER                          is a proxy that CONNECTs to 127.0.0.1

When it listens it writes its port to FOLDER/port. Every request becomes a line in FOLDER/requests:
method, target, and the names of its headers.

The body of a POST is left in FOLDER/posted.

GET or POST /path is answered with the file www/path. Where www/path.reply is, that JSON object says more:
    status   the status code (200)
    headers  further headers, an object
    repeat   the body so many times (1)
    cut      bytes that are announced and not sent (0)
    drip     seconds between two bytes of the body (0)
    stall    true: nothing is answered until the client has gone
"""

import http.server
import json
import os
import select
import socket
import ssl
import sys
import time

folder = sys.argv[1]


class Handler(http.server.BaseHTTPRequestHandler):
    disable_nagle_algorithm = True

    def record(self):
        with open(f"{folder}/requests", "a") as log:
            log.write(f"{self.command} {self.path} {' '.join(self.headers.keys())}\n")

    def log_message(self, *_):
        pass


class Provider(Handler):
    def do_GET(self):
        self.record()
        path = f"{folder}/www{self.path}"
        body, reply = b"", {}
        if os.path.isfile(path):
            with open(path, "rb") as file:
                body = file.read()
        if os.path.isfile(path + ".reply"):
            with open(path + ".reply") as file:
                reply = json.load(file)
        if reply.get("stall"):
            self.rfile.read(1)
        else:
            known = os.path.isfile(path) or reply
            self.answer(body, {"status": 200 if known else 404} | reply)

    def do_POST(self):
        with open(f"{folder}/posted", "wb") as file:
            file.write(self.rfile.read(int(self.headers["Content-Length"])))
        self.do_GET()

    def answer(self, body, reply):
        body *= reply.get("repeat", 1)
        self.send_response(reply["status"])
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "session=1; Secure")
        for name, value in reply.get("headers", {}).items():
            self.send_header(name, value)
        self.end_headers()
        body = body[: len(body) - reply.get("cut", 0)]
        if "drip" in reply:
            for byte in body:
                self.wfile.write(bytes([byte]))
                time.sleep(reply["drip"])
        else:
            self.wfile.write(body)
        self.close_connection = "cut" in reply


class Proxy(Handler):
    def do_CONNECT(self):
        self.record()
        port = int(self.path.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as other:
            self.send_response(200)
            self.end_headers()
            self.relay(self.connection, other)
        self.close_connection = True

    @staticmethod
    def relay(one, other):
        peer = {one: other, other: one}
        while True:
            for ready in select.select([one, other], [], [])[0]:
                data = ready.recv(65536)
                if not data:
                    return
                peer[ready].sendall(data)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):  # the client went away, as some tests want it to
        pass


class TlsServer(Server):
    def finish_request(self, request, client_address):
        """The handshake, in the connection's own thread."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
        with context.wrap_socket(request, server_side=True) as connection:
            super().finish_request(connection, client_address)


if len(sys.argv) == 2:
    server = Server(("127.0.0.1", 0), Proxy)
else:
    server = TlsServer(("127.0.0.1", int(sys.argv[4]) if len(sys.argv) > 4 else 0), Provider)
with open(f"{folder}/port.new", "w") as file:
    file.write(f"{server.server_address[1]}\n")
os.rename(f"{folder}/port.new", f"{folder}/port")
server.serve_forever()
