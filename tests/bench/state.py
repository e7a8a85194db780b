"""Measures what journal and state add to an apply, against their budget of 5 %.

    make bench-state

Applies the circles stack to the local AWS, everything ready at once, and then writes what that run wrote once more, append by append
and state by state, synced as the program does it, on the same disk. Prints the seconds that took beside those of the apply, and
beside an apply whose state is kept in memory (`/dev/shm`), where syncing costs nothing. The apply is as short as it can be: AWS's own
waits, minutes of them, would make the share smaller still.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench import ROOT, Sandbox, run

BUDGET = 5.0


def appends(journal: bytes) -> list[bytes]:
    """The journal's text by appends: the first line of each begins with a `+`."""
    all_of_them: list[bytes] = []
    for line in journal.splitlines(keepends=True):
        if line.startswith(b"+") or not all_of_them:
            all_of_them.append(b"")
        all_of_them[-1] += line
    return all_of_them


def again(folder: Path, journal: bytes, state: bytes, states: int) -> float:
    """Seconds that it takes to write all of that once more: appends synced, each state synced and renamed over the one before."""
    start = time.monotonic()
    with open(folder / "journal", "ab", buffering=0) as file:
        for text in appends(journal):
            file.write(text)
            os.fdatasync(file.fileno())
    for _ in range(states):
        with open(folder / "state.new", "wb", buffering=0) as file:
            file.write(state)
            os.fsync(file.fileno())
        os.rename(folder / "state.new", folder / "state")
        sync_folder(folder)
    return time.monotonic() - start


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def apply(binary: Path, sandbox: Sandbox, states: Path) -> float:
    sandbox.ask("reset", {}, "POST")
    sandbox.ask("clock", {"factor": 0}, "POST")
    env = {**os.environ, "AWS_ENDPOINT_URL": sandbox.url, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
           "AWS_REGION": "us-east-1", "CIRCLES_SETTLE_WINDOW": "1s", "CIRCLES_STATE_DIR": str(states)}
    seconds, _, _ = run([str(binary), "--stack", str(ROOT / "stacks/circles.yaml"), "apply", "--yes"], ROOT, env)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--disk", type=Path, default=ROOT / "target", help="a folder on the disk that is measured")
    options = parser.parse_args()
    options.disk.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.disk) as disk, tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
        sandbox = Sandbox(Path(disk))
        try:
            on_disk, in_memory, writing = [], [], []
            for number in range(options.runs):
                states = Path(disk) / f"states-{number}"
                on_disk.append(apply(options.binary, sandbox, states))
                in_memory.append(apply(options.binary, sandbox, Path(memory) / f"states-{number}"))
                state = next(states.glob("*/state.json"))
                journal = next(states.glob("*/runs/*.jsonl")).read_bytes()
                # Its serial counts the state's writes.
                text = state.read_bytes()
                serial = int(text.split(b'"serial":', 1)[1].split(b",", 1)[0])
                copy = Path(disk) / f"copy-{number}"
                copy.mkdir()
                writing.append(again(copy, journal, text, serial))
        finally:
            sandbox.end()
    share = 100 * statistics.median(writing) / statistics.median(on_disk)
    print(f"{len(appends(journal))} appends, {len(journal)} bytes; {serial} states of {len(text)} bytes")
    print(f"apply, state on disk     {statistics.median(on_disk):7.3f} s  (median of {options.runs}: "
          f"{', '.join(f'{seconds:.2f}' for seconds in on_disk)})")
    print(f"apply, state in memory   {statistics.median(in_memory):7.3f} s  ({', '.join(f'{seconds:.2f}' for seconds in in_memory)})")
    print(f"the same writes alone    {statistics.median(writing):7.3f} s  = {share:.1f} % of the apply (budget {BUDGET} %)")
    if share > BUDGET:
        sys.exit(f"journal and state take {share:.1f} % of an apply")


if __name__ == "__main__":
    main()
