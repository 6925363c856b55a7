#!/usr/bin/env python3
"""Stands between clients and an agent: replies come in pieces, and those about "cut" break off.

    pieces.py AGENT_SOCKET SOCKET
"""
import socket
import socketserver
import sys
import time

PAUSE = 0.02  # seconds; a reader that does not wait has his part by then


def message(stream):
    """Up to the NUL that ends it, or what there is."""
    data = b""
    while not data.endswith(b"\0"):
        part = stream.recv(65536)
        if not part:
            break
        data += part
    return data


class Between(socketserver.BaseRequestHandler):
    def handle(self):
        request = message(self.request)
        with socket.socket(socket.AF_UNIX) as agent:
            agent.connect(sys.argv[1])
            agent.sendall(request)
            reply = message(agent)
        pieces = [reply[:1], reply[1:-1], reply[-1:]]
        if b'"cut"' in request:
            pieces.pop()
        for piece in pieces:
            self.request.sendall(piece)
            time.sleep(PAUSE)


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


Server(sys.argv[2], Between).serve_forever()
