#!/usr/bin/env python3
"""A small service for the tests of the system: what it does follows from its environment. Run as a task's program."""

import hashlib
import json
import os
import signal
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler

BREAKS, SICK = os.environ.get("BREAKS"), os.environ.get("SICK")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.partition("?")[0]
        if path == "/health":
            self.answer({"ok": not SICK}, 503 if SICK else 200)
        elif path == "/slow":
            time.sleep(1.0)
            self.answer({"pid": os.getpid()})
        elif path == "/exit":
            os._exit(3)
        elif path == "/upgrade":
            self.upgrade()
        elif path == "/chunks":
            self.chunks()
        else:
            self.answer({"pid": os.getpid(), "environment": dict(os.environ), "headers": dict(self.headers.items()),
                         "path": self.path})

    do_HEAD = do_GET

    def do_POST(self):
        length = self.headers.get("Content-Length")
        body = self.rfile.read(int(length)) if length else b"".join(self.read_chunks())
        self.answer({"sha256": hashlib.sha256(body).hexdigest(), "length": len(body)})

    def read_chunks(self):
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def answer(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def chunks(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(100):
            piece = f"piece {number}\n".encode()
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def upgrade(self):
        """Echo whatever comes, as a WebSocket's bytes would go."""
        self.send_response(101)
        self.send_header("Connection", "Upgrade")
        self.send_header("Upgrade", self.headers["Upgrade"])
        self.end_headers()
        self.wfile.flush()
        while piece := self.connection.recv(1024):
            self.connection.sendall(piece)
        self.close_connection = True

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads, request_queue_size = True, True, 128


def main():
    print(f"starting as {os.environ.get('NAME', 'nobody')}", flush=True)
    print("to standard error", file=sys.stderr, flush=True)
    if BREAKS:
        sys.exit(int(BREAKS))
    server = Server(("127.0.0.1", int(os.environ["PORT"])), Handler)

    def stop(*_):
        print("told to stop", flush=True)
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    server.serve_forever(0.05)


if __name__ == "__main__":
    main()
