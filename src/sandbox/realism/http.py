"""A small threaded HTTP/1.1 server for one WSGI-like application, with keep-alive and answers that can get lost.

werkzeug's own development server closes every connection, which costs the client a connect per call; this one keeps
them open and can also close one without a word, which is what a fault asks for.
"""

from __future__ import annotations

import io
import socket
import socketserver
import sys
from http.server import BaseHTTPRequestHandler
from typing import Any, Callable, Optional, Tuple
from urllib.parse import unquote_to_bytes

# status, headers, body; None: close the connection without an answer.
Answer = Optional[Tuple[int, list, bytes]]
MAX_BODY = 512 * 1024 * 1024


class Request:
    """One request, its body read in full."""

    def __init__(self, method: str, target: str, headers: Any, body: bytes, client: tuple[str, int]) -> None:
        self.method, self.target, self.headers, self.body, self.client = method, target, headers, body, client
        self.path, _, self.query = target.partition("?")

    def environ(self, server: tuple[str, int]) -> dict[str, Any]:
        """The WSGI environment moto's Flask applications expect."""
        environ = {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(self.body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(self.path).decode("latin-1"),
            "QUERY_STRING": self.query,
            "REQUEST_URI": self.target,
            "RAW_URI": self.target,
            "REMOTE_ADDR": self.client[0],
            "REMOTE_PORT": self.client[1],
            "SERVER_NAME": server[0],
            "SERVER_PORT": str(server[1]),
            "SERVER_PROTOCOL": "HTTP/1.1",
        }
        for key, value in self.headers.items():
            name = key.upper().replace("-", "_")
            if name in ("TRANSFER_ENCODING", "CONNECTION", "EXPECT"):
                continue
            environ[name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + name] = value
        environ["CONTENT_LENGTH"] = str(len(self.body))
        return environ


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    rbufsize = 64 * 1024
    timeout = 300
    application: Callable[[Request], Answer]

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError, socket.timeout):
            self.close_connection = True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        body = self._body()
        if body is None:
            self.close_connection = True
            self.send_error(413)
            return
        answer = self.application(Request(self.command, self.path, self.headers, body, self.client_address))
        if answer is None:
            self._vanish()
            return
        status, headers, content = answer
        lines = [f"HTTP/1.1 {status} {self.responses.get(status, ('',))[0]}\r\n"]
        for key, value in headers:
            if key.lower() not in ("content-length", "connection", "transfer-encoding"):
                lines.append(f"{key}: {value}\r\n")
        length = len(content)
        if self.command == "HEAD":
            length = next((value for key, value in headers if key.lower() == "content-length"), "0")
            content = b""
        if status not in (204, 304):
            lines.append(f"Content-Length: {length}\r\n")
        if self.close_connection:
            lines.append("Connection: close\r\n")
        lines.append("\r\n")
        self.wfile.write("".join(lines).encode("latin-1", "replace") + content)

    def _body(self) -> bytes | None:
        if "chunked" in (self.headers.get("Transfer-Encoding") or "").lower():
            return self._chunked()
        length = int(self.headers.get("Content-Length") or 0)
        return self.rfile.read(length) if length <= MAX_BODY else None

    def _chunked(self) -> bytes | None:
        parts, total = [], 0
        while True:
            size = int(self.rfile.readline().split(b";")[0].strip() or b"0", 16)
            total += size
            if total > MAX_BODY:
                return None
            if size == 0:
                while self.rfile.readline().strip():
                    pass
                return b"".join(parts)
            parts.append(self.rfile.read(size))
            self.rfile.readline()

    def _vanish(self) -> None:
        """Close without an answer, as a network or a process that dies does."""
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that goes away in the middle is daily business in crash tests.
        error = sys.exc_info()[1]
        if not isinstance(error, (ConnectionError, TimeoutError, OSError)):
            super().handle_error(request, client_address)


def bind(host: str, port: int, application: Callable[[Request], Answer]) -> Server:
    """A listening server; `port` 0 takes a free one, see `server_address`."""
    handler = type("BoundHandler", (Handler,), {"application": staticmethod(application)})
    return Server((host, port), handler)
