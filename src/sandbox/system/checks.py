"""Health checks of target groups, by their own settings, told to the API. User guide: "Health checks for Application Load
Balancer target groups"."""

from __future__ import annotations

import asyncio
from typing import Any, Awaitable, Callable

from .http1 import Malformed, read_head

# Checks come as often as the sandbox's clock says, but a process of this machine is not asked more often than this, in seconds.
OFTEN = 0.5


class Check:
    """The check of one target, while it is registered."""

    def __init__(self, group: dict[str, Any], target: str, address: tuple[str, int], clock_factor: float,
                 tell: Callable[[dict[str, Any]], Awaitable[bool]]) -> None:
        self.group, self.address, self.clock_factor = group, address, clock_factor
        # What it is found to be: the proxy goes by this, and the API is told of it.
        self.state = "initial"
        self._target, self._tell = target, tell
        self._job = asyncio.create_task(self._run())

    def stop(self) -> None:
        self._job.cancel()

    async def _run(self) -> None:
        passed = failed = 0
        told = self.state
        while True:
            problem = await self._probe()
            passed, failed = (passed + 1, 0) if problem is None else (0, failed + 1)
            # A new target needs one good answer, one that was unhealthy as many as the group says.
            if problem is None and (self.state == "initial" or passed >= self.group["healthy_threshold"]):
                self.state = "healthy"
            elif problem is not None and failed >= self.group["unhealthy_threshold"]:
                self.state = "unhealthy"
            reason, description = problem or (None, None)
            if self.state != told and await self._tell({"group": self.group["arn"], "target": self._target,
                                                        "state": self.state, "reason": reason,
                                                        "description": description}):
                told = self.state
            await asyncio.sleep(max(OFTEN, self.group["interval"] * self.clock_factor))

    async def _probe(self) -> tuple[str, str] | None:
        """Why the target is not healthy, in the API's words, or None."""
        try:
            status = await asyncio.wait_for(ask(self.address, self.group["path"]), self.group["timeout"])
        except asyncio.TimeoutError:
            return "Target.Timeout", "Request timed out"
        except (OSError, Malformed, ValueError, asyncio.IncompleteReadError):
            return "Target.FailedHealthChecks", "Health checks failed"
        if matches(status, self.group["matcher"]):
            return None
        return "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{status}]"


async def ask(address: tuple[str, int], path: str) -> int:
    """The status of one GET. Raises OSError, Malformed."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\nUser-Agent: ELB-HealthChecker/2.0\r\n"
                     "Connection: close\r\n\r\n".encode())
        head = await read_head(reader)
        if head is None:
            raise Malformed("no answer")
        return int(head.first[1])
    finally:
        writer.close()


def matches(status: int, matcher: str) -> bool:
    """`200`, `200,301`, `200-399`."""
    for part in matcher.split(","):
        low, _, high = part.strip().partition("-")
        if low.isdigit() and int(low) <= status <= int(high or low):
            return True
    return False
