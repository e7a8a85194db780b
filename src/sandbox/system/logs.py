"""What containers say, line by line, into the log groups of the sandbox: in batches, and never waited for by a container."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from .sandbox import Gone, NotOurs, Refused, Sandbox

# CloudWatch takes events of 256 KiB; the awslogs driver splits longer lines.
LONGEST = 256 * 1024 - 26
# What is kept for a sandbox that does not answer, in events; older ones are dropped.
KEPT = 50_000
PAUSE = 0.2


class Logs:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._waiting: dict[tuple[str, str, str], list[tuple[int, str]]] = {}

    async def follow(self, stream: asyncio.StreamReader, logs: dict[str, str] | None) -> None:
        """Read to the end of a container's output; without a log group it is thrown away."""
        rest = b""
        while True:
            piece = await stream.read(64 * 1024)
            rest += piece
            *lines, rest = rest.split(b"\n")
            if len(rest) > LONGEST or (not piece and rest):
                lines, rest = [*lines, rest], b""
            for line in lines:
                self._add(logs, line)
            if not piece:
                return

    def _add(self, logs: dict[str, str] | None, line: bytes) -> None:
        if logs is None or not line.strip():
            return
        events = self._waiting.setdefault((logs["region"], logs["group"], logs["stream"]), [])
        for start in range(0, len(line), LONGEST):
            events.append((int(time.time() * 1000), line[start:start + LONGEST].decode("utf-8", "replace").rstrip("\r")))
        del events[:-KEPT]

    async def send(self) -> None:
        """All that waits; it waits on when the sandbox does not take it now."""
        sending, self._waiting = self._waiting, {}
        if not sending:
            return
        entries: list[dict[str, Any]] = [{"region": region, "group": group, "stream": stream, "events": events}
                                         for (region, group, stream), events in sending.items()]
        try:
            await self._sandbox.logs(entries)
        except (Gone, NotOurs):
            for key, events in sending.items():
                self._waiting[key] = (events + self._waiting.get(key, []))[-KEPT:]
        except Refused as error:
            print(f"logs: {error}", flush=True)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(PAUSE)
            await self.send()
