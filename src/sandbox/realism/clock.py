"""The sandbox's clock: AWS's typical waits, scaled by one factor, and an agenda of what is due when.

Nothing runs in the background. What takes time is put on the agenda in AWS's seconds; before each call everything due
by now is carried out, in order. A factor of 1.0 takes as long as in AWS, 0.01 a hundredth, 0 nothing at all: then
all that is under way is finished by the next call.
"""

from __future__ import annotations

import heapq
import time
from typing import Callable

# Typical waits in AWS seconds. Experience figures; AWS promises none of them.
TYPICAL = {
    "nat.create": 90.0,
    "nat.delete": 60.0,
    "lb.create": 150.0,
    "lb.enis": 120.0,
    "rds.create": 300.0,
    "rds.backup": 60.0,
    "rds.modify.start": 15.0,
    "rds.modify": 120.0,
    "rds.reboot": 60.0,
    "rds.delete": 240.0,
    "ecs.task.start": 40.0,
    "ecs.task.fail": 20.0,
    "ecs.task.stop": 30.0,
    "ecs.task.retry": 30.0,
    "ecs.settle": 5.0,
    "target.healthy": 30.0,
    "ecr.lifecycle": 86400.0,
}


class Clock:
    """Virtual seconds and the agenda. Not thread safe: to be used under the sandbox's lock."""

    def __init__(self, factor: float = 0.01) -> None:
        self._factor = max(0.0, factor)
        self._virtual = 0.0
        self._since = time.monotonic()
        self._agenda: list[tuple[float, int, bool, Callable[[], None]]] = []
        self._order = 0

    @property
    def factor(self) -> float:
        return self._factor

    def set_factor(self, factor: float) -> None:
        """Change the scale, also for what is under way. Negative factors count as 0."""
        self._virtual, self._since = self.now(), time.monotonic()
        self._factor = max(0.0, factor)

    def now(self) -> float:
        """AWS seconds since the start. They stand still at factor 0, where everything is due anyway."""
        if self._factor == 0:
            return self._virtual
        return self._virtual + (time.monotonic() - self._since) / self._factor

    def after(self, what: float | str, then: Callable[[], None], *, again: bool = False) -> None:
        """Have `then` called once `what` (seconds, or a key of TYPICAL) has passed.

        `again` marks a step that repeats itself for ever, such as starting a failing task: at factor 0 it is done
        once per call instead of for ever.
        """
        seconds = TYPICAL[what] if isinstance(what, str) else what
        self._order += 1
        heapq.heappush(self._agenda, (self.now() + seconds, self._order, again, then))

    def settle(self) -> None:
        """Carry out everything that is due."""
        newest = self._order
        while self._agenda:
            due, order, again, then = self._agenda[0]
            if self._factor > 0 and due > self.now():
                return
            if self._factor == 0 and again and order > newest:
                return
            heapq.heappop(self._agenda)
            if self._factor == 0:
                self._virtual = max(self._virtual, due)
            then()

    def clear(self) -> None:
        """Forget everything under way."""
        self._agenda.clear()


CLOCK = Clock()
