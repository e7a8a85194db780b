"""A small HTTP client and the arithmetic of the load runs, with the standard library alone."""

import asyncio
import json
from urllib.parse import urlsplit


class Connection:
    """One kept-alive HTTP connection."""

    def __init__(self, base):
        self.host, self.port = urlsplit(base).hostname, urlsplit(base).port
        self.reader = self.writer = None

    async def request(self, method, path, token=None, body=None):
        if self.writer is None or self.writer.is_closing():
            self.reader, self.writer = await asyncio.open_connection(self.host, self.port)
        data = json.dumps(body).encode() if body is not None else b""
        auth = f"Authorization: Bearer {token}\r\n" if token else ""
        head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\n{auth}Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        self.writer.write(head.encode() + data)
        status = int((await self.reader.readline()).split()[1])
        length = 0
        while (line := await self.reader.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        text = await self.reader.readexactly(length)
        return status, json.loads(text) if text else None


async def sign_up(base, phone):
    c = Connection(base)
    _, sent = await c.request("POST", "/onboarding/request-otp", body={"phone": phone})
    _, done = await c.request("POST", "/onboarding/verify-otp", body={"phone": phone, "otp_code": sent["otp"]})
    return done["access_token"], done["user"]["id"]


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] * 1000
