"""Processes that are started here and must not outlive this one, however it ends.

Each gets a session of its own, so that a signal to its group reaches all of it. On Linux the kernel ends it when this
process dies; beside that each is written down, with the moment it was started, so that the next start or `--clean` finds
what is left and touches nothing else: a process id that was given to somebody else started at another moment.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
from typing import Any, Sequence

PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def end_with_parent() -> None:
    """For a child between fork and exec: the kernel kills it when its parent dies."""
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def born(pid: int) -> str | None:
    """When a process was started, as the system tells it; None when there is none."""
    try:
        # The name stands in parentheses and may hold anything; field 22 is the start in ticks. proc(5).
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] == "Z" else fields[19]
    except FileNotFoundError:
        if sys.platform == "linux":
            return None
    except (OSError, IndexError):
        return None
    said = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return said.stdout.strip() or None


class Children:
    """The processes of one system, and the file they are written down in."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._file = folder / "children.json"
        self._alive: dict[int, str] = {}

    async def start(self, command: Sequence[str], **options: Any) -> asyncio.subprocess.Process:
        """Start a process in a session of its own. Raises OSError when there is no such program."""
        process = await asyncio.create_subprocess_exec(
            *command, start_new_session=True, preexec_fn=end_with_parent, **options)
        self._alive[process.pid] = born(process.pid) or ""
        self._write()
        return process

    def ended(self, pid: int) -> None:
        """The process is over; what it left in its session is ended too."""
        signal_group(pid, signal.SIGKILL)
        self._alive.pop(pid, None)
        self._write()

    def _write(self) -> None:
        partial = self._file.with_suffix(".partial")
        partial.write_text(json.dumps(self._alive))
        partial.replace(self._file)

    def clean(self) -> list[int]:
        """End what an earlier run left behind; their ids."""
        try:
            left = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return []
        found = [int(pid) for pid, moment in left.items() if moment and born(int(pid)) == moment]
        for pid in found:
            signal_group(pid, signal.SIGKILL)
        until = time.monotonic() + 5
        while any(born(pid) == left[str(pid)] for pid in found) and time.monotonic() < until:
            time.sleep(0.02)
        self._file.unlink(missing_ok=True)
        return found


def signal_group(pid: int, number: int) -> None:
    """A signal to a process and all that it started; nothing when it is gone."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        pass
