"""A small threaded HTTP/1.1 server for one WSGI-like application, with keep-alive and answers that can get lost.

werkzeug's own development server closes every connection, which costs the client a connect per call; this one keeps
them open and can also close one without a word, which is what a fault asks for.
"""

from __future__ import annotations

import functools
import io
import socket
import socketserver
import sys
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any, Callable, Iterator, Optional, Tuple
from urllib.parse import unquote_to_bytes

# status, headers, body (bytes or FileContent); None: close the connection without an answer.
Answer = Optional[Tuple[int, list, bytes]]
MAX_BODY = 512 * 1024 * 1024
# What is read and thrown away of a body that nobody asked for, before the connection is closed instead.
UNREAD = 1024 * 1024


@dataclass
class FileContent:
    """The content of an answer that is sent from a file: `size` bytes from `start`."""

    path: str
    size: int
    start: int = 0


class TooLarge(Exception):
    """A body that is longer than this server takes in one piece."""


class Body:
    """What follows a request's headers, read in pieces or in one: a layer does not fit into memory, a call does."""

    def __init__(self, file: Any, headers: Any) -> None:
        self._file = file
        self._chunked = "chunked" in (headers.get("Transfer-Encoding") or "").lower()
        self._left = int(headers.get("Content-Length") or 0)
        self.ended = not self._chunked and self._left == 0

    def pieces(self, size: int = 256 * 1024) -> Iterator[bytes]:
        """The body as it arrives. Raises ConnectionError when the client goes away before its end."""
        while not self.ended:
            piece = self._chunk() if self._chunked else self._file.read(min(size, self._left))
            if self._chunked:
                self.ended = not piece
            else:
                self._left -= len(piece)
                self.ended = self._left == 0
                if not piece:
                    raise ConnectionError("the body ends too early")
            if piece:
                yield piece

    def _chunk(self) -> bytes:
        line = self._file.readline()
        if not line.strip():
            raise ConnectionError("the body ends too early")
        size = int(line.split(b";")[0].strip(), 16)
        if size == 0:
            while self._file.readline().strip():
                pass
            return b""
        piece = self._file.read(size)
        if len(piece) < size:
            raise ConnectionError("the body ends too early")
        self._file.readline()
        return piece

    def whole(self) -> bytes:
        """All of it. Raises TooLarge."""
        if self._left > MAX_BODY:
            raise TooLarge
        parts, total = [], 0
        for piece in self.pieces():
            total += len(piece)
            if total > MAX_BODY:
                raise TooLarge
            parts.append(piece)
        return b"".join(parts)

    def discard(self, most: int) -> bool:
        """Read on to the end, so that the connection can be used again; False when that is more than `most` bytes."""
        for piece in self.pieces():
            most -= len(piece)
            if most < 0:
                return False
        return True


class Request:
    """One request. Its body is read when it is first asked for; `stream` hands it out in pieces instead."""

    def __init__(self, method: str, target: str, headers: Any, stream: Body, client: tuple[str, int]) -> None:
        self.method, self.target, self.headers, self.stream, self.client = method, target, headers, stream, client
        self.path, _, self.query = target.partition("?")

    @functools.cached_property
    def body(self) -> bytes:
        return self.stream.whole()

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
        stream = Body(self.rfile, self.headers)
        try:
            answer = self.application(Request(self.command, self.path, self.headers, stream, self.client_address))
        except TooLarge:
            self.close_connection = True
            self.send_error(413)
            return
        if answer is None:
            self._vanish()
            return
        if not stream.discard(UNREAD):
            self.close_connection = True
        status, headers, content = answer
        file = None
        if isinstance(content, FileContent):
            file, content = content, b""
        lines = [f"HTTP/1.1 {status} {self.responses.get(status, ('',))[0]}\r\n"]
        for key, value in headers:
            if key.lower() not in ("content-length", "connection", "transfer-encoding"):
                lines.append(f"{key}: {value}\r\n")
        length = file.size if file else len(content)
        if self.command == "HEAD":
            length = next((value for key, value in headers if key.lower() == "content-length"), "0")
            content = b""
        if status not in (204, 304):
            lines.append(f"Content-Length: {length}\r\n")
        if self.close_connection:
            lines.append("Connection: close\r\n")
        lines.append("\r\n")
        self.wfile.write("".join(lines).encode("latin-1", "replace") + content)
        if file and self.command != "HEAD":
            with open(file.path, "rb") as source:
                source.seek(file.start)
                self.wfile.flush()
                self.connection.sendfile(source, file.start, file.size)

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
