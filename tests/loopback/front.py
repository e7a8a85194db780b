"""AWS on loopback under its real host names: a CONNECT proxy that ends TLS with a certificate of its own authority, credential
endpoints behind it, and the local AWS behind those. Nothing leaves the machine; a custom endpoint, which hides how a client finds
region and host, is not set.
"""

import datetime
import http.client
import http.server
import json
import pathlib
import ssl
import threading
import time
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ACCOUNT = "000000000000"
REGION = "eu-central-1"


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(subject, key, issuer, issuer_key, extensions):
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(_name(issuer))
               .public_key(key.public_key()).serial_number(x509.random_serial_number())
               .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1)))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    return builder.sign(issuer_key, hashes.SHA256())


class Authority:
    """A certificate authority in a folder, and contexts for the hosts that it vouches for."""

    def __init__(self, folder):
        self.folder, self.contexts, self.lock = pathlib.Path(folder), {}, threading.Lock()
        self.key = ec.generate_private_key(ec.SECP256R1())
        root = _certificate("test authority", self.key, "test authority", self.key, [x509.BasicConstraints(True, None)])
        self.bundle = self.folder / "authority.pem"
        self.bundle.write_bytes(root.public_bytes(serialization.Encoding.PEM))

    def context(self, host):
        with self.lock:
            if host not in self.contexts:
                key = ec.generate_private_key(ec.SECP256R1())
                names = x509.SubjectAlternativeName([x509.DNSName(host)])
                certificate = _certificate("host", key, "test authority", self.key, [names])
                path = self.folder / f"{len(self.contexts)}.pem"
                path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(path)
                self.contexts[host] = context
            return self.contexts[host]


class Seen:
    """One request: where it went, what it was, and who it said it was."""

    def __init__(self, host, method, path, headers, body):
        self.host, self.method, self.path, self.headers, self.body = host, method, path, headers, body
        self.form = dict(urllib.parse.parse_qsl(body.decode("utf-8", "replace")))
        self.action = self.form.get("Action") or headers.get("X-Amz-Target", "").rsplit(".", 1)[-1] or f"{method} {path}"
        self.key = headers.get("Authorization", "").partition("Credential=")[2].partition("/")[0]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    host = None

    def log_message(self, *_):
        pass

    def do_CONNECT(self):  # noqa: N802
        self.host = self.path.partition(":")[0]
        self.server.front.connects.append(self.host)
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            self.connection = self.server.front.authority.context(self.host).wrap_socket(self.connection, server_side=True)
        except (ssl.SSLError, OSError):
            self.close_connection = True
            return
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
        self.close_connection = False

    def any(self):
        length = int(self.headers.get("Content-Length") or 0)
        seen = Seen(self.host or "loopback", self.command, self.path, self.headers, self.rfile.read(length))
        status, headers, body = self.server.front.answer(seen)
        if status is None:
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = any


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


def later(seconds):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Front:
    """`routes`: host (or `loopback` and the path's beginning) to a function of the request; whatever has none goes to the local AWS.
    `faults`: the same, asked first; a function that returns None lets the request pass."""

    def __init__(self, folder, backend):
        self.authority, self.backend = Authority(folder), backend
        self.requests, self.connects, self.routes, self.faults = [], [], [], []
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.front = self
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, seen):
        self.requests.append(seen)
        for matches, function in [*self.faults, *self.routes]:
            if matches(seen):
                answer = function(seen)
                if answer is not None:
                    return answer
        return self.forward(seen)

    def forward(self, seen):
        connection = http.client.HTTPConnection("127.0.0.1", self.backend, timeout=60)
        try:
            headers = {name: value for name, value in seen.headers.items() if name.lower() != "connection"}
            connection.request(seen.method, seen.path, body=seen.body, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            skip = {"content-length", "transfer-encoding", "connection", "date", "server"}
            return answer.status, {n: v for n, v in answer.getheaders() if n.lower() not in skip}, body
        finally:
            connection.close()

    def route(self, host, path, function):
        self.routes.append((lambda seen: seen.host == host and seen.path.startswith(path), function))

    def fail(self, matches, answer, times=None, seconds=None):
        """Answers so for that many requests, or for that long from the first one on."""
        state = {"left": times, "until": None}

        def function(_):
            if seconds is not None:
                state["until"] = state["until"] or time.monotonic() + seconds
                return answer if time.monotonic() < state["until"] else None
            if state["left"] == 0:
                return None
            state["left"] -= 1
            return answer

        self.faults.append((matches, function))

    def of(self, host, action=None):
        return [seen for seen in self.requests if seen.host == host and action in (None, seen.action)]


def as_json(body, status=200):
    return status, {"Content-Type": "application/json"}, json.dumps(body).encode()


def sts_error(code, status):
    text = f"<ErrorResponse><Error><Code>{code}</Code><Message>made up</Message></Error></ErrorResponse>"
    return status, {"Content-Type": "text/xml"}, text.encode()


def assumed(key, seconds=3600, operation="AssumeRole"):
    """STS's answer, with credentials that last so long."""
    text = (f"<{operation}Response><{operation}Result><Credentials><AccessKeyId>{key}</AccessKeyId>"
            f"<SecretAccessKey>not-a-secret</SecretAccessKey><SessionToken>token</SessionToken>"
            f"<Expiration>{later(seconds)}</Expiration></Credentials><AssumedRoleUser><AssumedRoleId>AROA:x</AssumedRoleId>"
            f"<Arn>arn:aws:sts::{ACCOUNT}:assumed-role/deploy/x</Arn></AssumedRoleUser></{operation}Result></{operation}Response>")
    return 200, {"Content-Type": "text/xml"}, text.encode()
