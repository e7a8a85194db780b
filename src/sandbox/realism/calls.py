"""The log of calls: what was asked, when, and what was answered. Never parameters, so never a secret."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

KEPT = 200_000


class CallLog:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._seq = 0

    def begin(self) -> int:
        """The sequence number of a call that has just arrived; numbers never start again, also after `clear`."""
        with self._lock:
            self._seq += 1
            return self._seq

    def add(self, entry: dict[str, Any]) -> None:
        with self._lock:
            self._calls.append(entry)

    def since(self, seq: int) -> list[dict[str, Any]]:
        """Finished calls with a number above `seq`, in order of arrival."""
        with self._lock:
            found = [entry for entry in self._calls if entry["seq"] > seq]
        return sorted(found, key=lambda entry: entry["seq"])

    def clear(self) -> None:
        with self._lock:
            self._calls.clear()

    @property
    def last(self) -> int:
        with self._lock:
            return self._seq
