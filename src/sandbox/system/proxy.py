"""A reverse proxy in an application load balancer's place: one port of 127.0.0.1 for each of its listeners.

Every request gets a connection of its own to a target, so none is lost in the race with a target that closes an idle one.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import ssl
import time
from http import HTTPStatus
from typing import Any, Callable

from .http1 import (HOP_BY_HOP, LARGEST_HEAD, Body, Head, Malformed, Pulse, answer_body, pass_body, read_head,
                    request_body)
from .rules import action_for, group_for, redirect

CONNECT_PATIENCE = 10.0
# A request begins within this time on an idle connection. AWS keeps one for client_keep_alive, an hour.
KEEP_ALIVE = 3600.0
# How long an answer is waited for when the request broke off.
LAST_WORD = 2.0


class Unanswered(Exception):
    """No target answered; the load balancer answers itself."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class Listener:
    """One listener. `settings` and `balancer` follow the API while it serves."""

    def __init__(self, balancer: dict[str, Any], settings: dict[str, Any], targets: Callable[[str], list[tuple[str, int]]],
                 tls: ssl.SSLContext | None) -> None:
        self.balancer, self.settings, self._targets, self._tls = balancer, settings, targets, tls
        self.port, self.ports = 0, {}
        self._turn = itertools.count()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task] = set()

    async def open(self, port: int) -> None:
        """Listen on the wished port, or a free one when that is taken."""
        for wished in (port, 0):
            try:
                self._server = await asyncio.start_server(self._accepted, "127.0.0.1", wished, limit=LARGEST_HEAD,
                                                          ssl=self._tls)
                break
            except OSError:
                if wished == 0:
                    raise
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        self._connections.add(connection)
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, OSError, asyncio.TimeoutError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            self._connections.discard(connection)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request. False: the connection has served."""
        try:
            request = await asyncio.wait_for(read_head(reader), KEEP_ALIVE)
            if request is None:
                return False
            body = request_body(request)
        except Malformed:
            await _answer(writer, 400, "Bad Request", close=True)
            return False
        keep = request.first[2] == "HTTP/1.1" and "close" not in request.tokens("connection")
        client = writer.get_extra_info("peername")[0]
        action = action_for(self.settings, request, client)
        kind = action.get("Type")
        if kind == "forward":
            try:
                return await self._forward(action, request, body, reader, writer, client) and keep
            except Unanswered as unanswered:
                await _answer(writer, unanswered.status, HTTPStatus(unanswered.status).phrase, close=True)
                return False
        keep = keep and body == Body(0)
        await self._own_answer(action, request, writer, close=not keep)
        return keep

    async def _own_answer(self, action: dict[str, Any], request: Head, writer: asyncio.StreamWriter, close: bool) -> None:
        if action.get("Type") == "redirect":
            status, location = redirect(action.get("RedirectConfig") or {}, request, self.settings["protocol"],
                                        self.settings["port"], self.ports)
            await _answer(writer, status, "", close=close, fields=[("Location", location)])
        elif action.get("Type") == "fixed-response":
            config = action.get("FixedResponseConfig") or {}
            text = "" if request.first[0] == "HEAD" else str(config.get("MessageBody") or "")
            await _answer(writer, int(config.get("StatusCode", 200)), text, close=close,
                          kind=config.get("ContentType") or "text/plain")
        else:
            # Authenticating actions have no stand-in.
            await _answer(writer, 501, "The sandbox has no such action", close=close)

    async def _forward(self, action: dict[str, Any], request: Head, body: Body, reader: asyncio.StreamReader,
                       writer: asyncio.StreamWriter, client: str) -> bool:
        group = group_for(action)
        targets = self._targets(group) if group else []
        if not targets:
            raise Unanswered(503)
        target = targets[next(self._turn) % len(targets)]
        try:
            upstream = await asyncio.wait_for(asyncio.open_connection(*target, limit=LARGEST_HEAD), CONNECT_PATIENCE)
        except asyncio.TimeoutError:
            raise Unanswered(504) from None
        except OSError:
            raise Unanswered(502) from None
        try:
            return await self._exchange(request, body, (reader, writer), upstream, client)
        finally:
            upstream[1].close()

    async def _exchange(self, request: Head, body: Body, client: tuple, upstream: tuple, address: str) -> bool:
        """One request and its answer. False: the connection to the client has served."""
        pulse = Pulse()
        upgrade = "upgrade" in request.tokens("connection") and request.get("upgrade")
        upstream[1].write(self._passed_on(request, address, upgrade).bytes())
        sending = asyncio.create_task(pass_body(body, client[0], upstream[1], pulse))
        answering = asyncio.create_task(_answered(request.first[0], upstream[0], client[1], pulse, bool(upgrade)))
        try:
            await self._within_idle_timeout(sending, answering, pulse)
            status, keep = answering.result()
            if status == 101:
                await self._tunnel(client, upstream)
                return False
            # An answer before the end of the request: the rest of it would be taken for the next one.
            return keep and sending.done() and sending.exception() is None
        finally:
            for task in (sending, answering):
                task.cancel()
            await asyncio.gather(sending, answering, return_exceptions=True)

    def _passed_on(self, request: Head, client: str, upgrade: str | None) -> Head:
        """The request as a target gets it. User guide: "HTTP headers and Application Load Balancers"."""
        gone = HOP_BY_HOP | request.tokens("connection") | {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-port"}
        fields = request.without(gone)
        before = request.get("x-forwarded-for")
        fields += [("X-Forwarded-For", f"{before}, {client}" if before else client),
                   ("X-Forwarded-Proto", self.settings["protocol"].lower()),
                   ("X-Forwarded-Port", str(self.port))]
        if request.get("x-amzn-trace-id") is None:
            fields.append(("X-Amzn-Trace-Id", f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"))
        fields += [("Connection", "Upgrade"), ("Upgrade", upgrade)] if upgrade else [("Connection", "close")]
        return Head(request.first, fields)

    async def _within_idle_timeout(self, sending: asyncio.Task, answering: asyncio.Task, pulse: Pulse) -> None:
        """Wait for the answer as long as bytes pass; 504 when they do not and it has not begun, else the end."""
        while not answering.done():
            left = pulse.at + self.balancer["idle_timeout"] - asyncio.get_running_loop().time()
            if sending.done() and sending.exception() is not None:
                # The client has gone, or the target has heard enough: then its answer is on the way.
                left = min(left, pulse.at + LAST_WORD - asyncio.get_running_loop().time())
            if left <= 0:
                if answering.get_name() == BEGUN:
                    raise ConnectionError("an answer that stands still")
                raise Unanswered(504)
            waited = [answering] if sending.done() else [answering, sending]
            await asyncio.wait(waited, timeout=left, return_when=asyncio.FIRST_COMPLETED)

    async def _tunnel(self, client: tuple, upstream: tuple) -> None:
        """Bytes both ways until one side ends or neither says anything for the idle timeout."""
        pulse = Pulse()
        ways = [asyncio.create_task(pass_body(Body(None), source[0], sink[1], pulse))
                for source, sink in ((client, upstream), (upstream, client))]
        try:
            while not any(way.done() for way in ways):
                left = pulse.at + self.balancer["idle_timeout"] - asyncio.get_running_loop().time()
                if left <= 0:
                    return
                await asyncio.wait(ways, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)


# The name of an answering task once its head has been sent to the client.
BEGUN = "begun"


async def _answered(method: str, upstream: asyncio.StreamReader, client: asyncio.StreamWriter, pulse: Pulse,
                    upgrade: bool) -> tuple[int, bool]:
    """Pass the answer on; its status, and whether the client's connection can be used again."""
    while True:
        try:
            head = await read_head(upstream)
            body = answer_body(head, method) if head else None
        except (Malformed, ConnectionError):
            raise Unanswered(502) from None
        if head is None or body is None:
            raise Unanswered(502)
        pulse.beat()
        status = int(head.first[1])
        if status == 101 and not upgrade:
            raise Unanswered(502)
        asyncio.current_task().set_name(BEGUN)
        gone = HOP_BY_HOP | head.tokens("connection") if status != 101 else set()
        fields = head.without(gone)
        until_end = body.length is None and not body.chunked
        if until_end:
            fields.append(("Connection", "close"))
        client.write(Head(head.first, fields).bytes())
        await client.drain()
        if status >= 200 or status == 101:
            break
    if status == 101:
        return status, False
    try:
        await pass_body(body, upstream, client, pulse)
    except Malformed:
        raise ConnectionError("an answer that breaks off") from None
    return status, not until_end


async def _answer(writer: asyncio.StreamWriter, status: int, text: str, *, close: bool, kind: str = "text/plain",
                  fields: list[tuple[str, str]] | None = None) -> None:
    """An answer of the load balancer's own."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    body = text.encode()
    head = Head(("HTTP/1.1", str(status), phrase), [
        ("Server", "awselb/2.0"), ("Content-Type", kind), ("Content-Length", str(len(body))), *(fields or []),
        *([("Connection", "close")] if close else [])])
    writer.write(head.bytes() + body)
    await writer.drain()
