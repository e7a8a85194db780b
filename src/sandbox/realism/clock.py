"""The sandbox's clock: AWS's typical waits, scaled by one factor.

Nothing runs in the background. Whatever takes time remembers the moment it began and is looked at when it is read,
so a factor of 0 makes everything ready at once and 1.0 makes it take as long as in AWS.
"""

from __future__ import annotations

import time
import threading

# Typical waits in seconds at factor 1.0. Experience figures; AWS promises none of them.
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
    "ecs.task.stop": 30.0,
    "ecs.task.retry": 30.0,
    "ecs.eni": 20.0,
    "target.healthy": 30.0,
    "target.drain": 60.0,
}


class Clock:
    """Scaled waits that stay in order when the factor changes: it applies to what begins afterwards."""

    def __init__(self, factor: float = 0.01) -> None:
        self._lock = threading.Lock()
        self._factor = max(0.0, factor)

    @property
    def factor(self) -> float:
        return self._factor

    def set_factor(self, factor: float) -> None:
        """Change the scale for everything that starts from now on. Negative factors count as 0."""
        with self._lock:
            self._factor = max(0.0, factor)

    @staticmethod
    def now() -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def wait(self, what: str) -> float:
        """How many real seconds `what` (a key of TYPICAL) takes at the present factor."""
        return TYPICAL[what] * self._factor

    def after(self, what: str, start: float | None = None) -> float:
        """The moment at which `what`, begun at `start` (default now), is over."""
        return (self.now() if start is None else start) + self.wait(what)


CLOCK = Clock()
