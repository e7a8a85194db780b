"""Calls to the sandbox's own API, each over a connection of its own."""

from __future__ import annotations

import asyncio
import json
from typing import Any

PATIENCE = 30.0


class Gone(Exception):
    """The sandbox does not answer."""


class NotOurs(Exception):
    """The sandbox has another runner, or none."""


class Refused(Exception):
    """The sandbox does not understand a call."""


class Sandbox:
    """The sandbox at one port of this machine, asked by one runner."""

    def __init__(self, port: int, instance: str) -> None:
        self.port, self.instance = port, instance

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def attach(self, host_build: bool) -> None:
        await self._ask("POST", "runner", {"host_build": host_build})

    async def detach(self) -> None:
        await self._ask("DELETE", "runner", {})

    async def world(self) -> dict[str, Any]:
        return await self._ask("GET", f"runner?instance={self.instance}", None)

    async def launch(self, task: str) -> dict[str, Any]:
        return await self._ask("POST", "runner/launch", {"task": task})

    async def report_task(self, task: str, event: str, **more: Any) -> None:
        await self._ask("POST", "runner/tasks", {"reports": [{"task": task, "event": event, **more}]})

    async def report_targets(self, reports: list[dict[str, Any]]) -> None:
        await self._ask("POST", "runner/targets", {"reports": reports})

    async def logs(self, entries: list[dict[str, Any]]) -> None:
        await self._ask("POST", "runner/logs", {"entries": entries})

    async def names(self, names: dict[str, str]) -> None:
        await self._ask("POST", "runner/names", {"names": names})

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        """One call and its JSON. Raises Gone, NotOurs, Refused."""
        text = b"" if body is None else json.dumps({"instance": self.instance, **body}).encode()
        try:
            status, answer = await asyncio.wait_for(fetch(self.port, method, f"/_sandbox/{path}", text), PATIENCE)
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, ValueError) as error:
            raise Gone(f"the sandbox does not answer {path}: {error!r}") from None
        if status == 409:
            raise NotOurs(answer.decode(errors="replace"))
        if status != 200:
            raise Refused(f"{path}: {status} {answer.decode(errors='replace')[:300]}")
        return json.loads(answer)


async def fetch(port: int, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
                ) -> tuple[int, bytes]:
    """Status and body of one request to this machine. Raises OSError, ValueError, IncompleteReadError."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Content-Length: {len(body)}",
                 "Connection: close", *(f"{name}: {value}" for name, value in (headers or {}).items())]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status = int(head.split(" ", 2)[1])
        length = next((int(line.split(":", 1)[1]) for line in head.split("\r\n") if line.lower().startswith("content-length:")),
                      None)
        return status, await (reader.readexactly(length) if length is not None else reader.read())
    finally:
        writer.close()
