"""One task: its containers as processes, from the start that the API wants to the end that it is told."""

from __future__ import annotations

import asyncio
import pathlib
import shutil
import signal
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

from .children import signal_group
from .commands import Command, Commands
from .images import CannotPull
from .sandbox import Gone, NotOurs, Refused, Sandbox

EXITED = ("Essential container in task exited", "EssentialContainerExited")


class System(Protocol):
    """What a task needs of the system that it runs in."""

    sandbox: Sandbox
    commands: Commands

    async def start(self, command: Command) -> asyncio.subprocess.Process: ...

    def follow(self, stream: asyncio.StreamReader, logs: dict[str, str] | None) -> asyncio.Task: ...

    def ended(self, pid: int) -> None: ...


@dataclass
class Container:
    spec: dict[str, Any]
    command: Command
    process: asyncio.subprocess.Process
    output: asyncio.Task
    stopped_by: int | None = None


@dataclass
class Task:
    """`groups` are the target groups that it serves, with its port in each; `ports` where its ports really are."""

    shown: dict[str, Any]
    system: System
    folder: pathlib.Path
    ports: dict[int, int] = field(default_factory=dict)
    containers: list[Container] = field(default_factory=list)
    started: float | None = None
    over: bool = False
    _why: tuple[str, str] | None = None
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _patience: float | None = None

    def stop(self, patience: float | None = None) -> None:
        """End it with SIGTERM, and after the containers' stop timeouts (or this patience) with SIGKILL."""
        self._patience = patience
        self._stop.set()

    def fail(self, reason: str, code: str) -> None:
        """End it for a reason of its own."""
        if self._why is None and not self._stop.is_set():
            self._why = (reason, code)
            self._stop.set()

    async def run(self) -> None:
        """From start to end. Whatever happens, nothing of it is left and the API is told."""
        reason, code = EXITED
        try:
            await self._begin()
            await self._last()
            reason, code = self._why or EXITED
        except CannotPull as error:
            reason, code = str(error), "TaskFailedToStart"
        except (Gone, NotOurs, Refused, OSError) as error:
            reason, code = f"CannotStartContainerError: {error}", "TaskFailedToStart"
        finally:
            exits = await self._end()
            self.over = True
            shutil.rmtree(self.folder, ignore_errors=True)
        if self._patience is not None:
            # It ends with the system, or after the API forgot it: no failure of its own, and nobody to tell.
            return
        try:
            await self.system.sandbox.report_task(self.shown["arn"], "ended", containers=exits, reason=reason, code=code)
        except (Gone, NotOurs, Refused) as error:
            print(f"task {self.shown['id']}: {error}", flush=True)

    async def _begin(self) -> None:
        spec = await self.system.sandbox.launch(self.shown["arn"])
        if "cannot" in spec:
            raise CannotPull(spec["cannot"])
        self.folder.mkdir(parents=True, exist_ok=True)
        for container in spec["containers"]:
            command = await self.system.commands.prepare(spec, container, self.folder, self.ports)
            if self._stop.is_set():
                return
            process = await self.system.start(command)
            output = self.system.follow(process.stdout, container["logs"])
            self.containers.append(Container(container, command, process, output))
        self.started = time.monotonic()
        await self.system.sandbox.report_task(self.shown["arn"], "started")

    async def _last(self) -> None:
        """Wait until an essential container has exited, or the task is to stop."""
        checks = [asyncio.create_task(self._check(container)) for container in self.containers
                  if (container.spec["health_check"] or {}).get("command", ["NONE"])[0] != "NONE"]
        waits = [asyncio.create_task(self._stop.wait()),
                 *(asyncio.create_task(container.process.wait()) for container in self.containers
                   if container.spec["essential"])]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for job in (*waits, *checks):
                job.cancel()
            await asyncio.gather(*waits, *checks, return_exceptions=True)

    async def _check(self, container: Container) -> None:
        """The container's own health check. API page: HealthCheck."""
        check = container.spec["health_check"]
        command = self.system.commands.check(container.command, check["command"])
        if command is None:
            return
        interval, timeout = float(check.get("interval") or 30), float(check.get("timeout") or 5)
        retries, grace = int(check.get("retries") or 3), float(check.get("startPeriod") or 0)
        failed, told, begun = 0, "UNKNOWN", time.monotonic()
        while True:
            await asyncio.sleep(1.0 if told == "UNKNOWN" else interval)
            good = await self._passes(command, timeout)
            failed = 0 if good else failed + (time.monotonic() - begun > grace)
            state = "HEALTHY" if good else "UNHEALTHY" if failed >= retries else told
            if state != told:
                told = state
                await self.system.sandbox.report_task(self.shown["arn"], "health", health=state)
            if state == "UNHEALTHY" and container.spec["essential"]:
                self.fail("Task failed container health checks", "ServiceSchedulerInitiated")

    async def _passes(self, command: Command, timeout: float) -> bool:
        process = await self.system.start(command)
        try:
            output = self.system.follow(process.stdout, None)
            return await asyncio.wait_for(process.wait(), timeout) == 0
        except asyncio.TimeoutError:
            return False
        finally:
            self.system.ended(process.pid)
            await process.wait()
            await output

    async def _end(self) -> dict[str, dict[str, Any]]:
        """Stop what still runs; exit codes as a container runtime tells them: 128 and the signal's number."""
        await asyncio.gather(*(self._end_one(container) for container in self.containers))
        exits = {}
        for container in self.containers:
            code = container.process.returncode
            exits[container.spec["name"]] = {"exit_code": 128 - code if code is not None and code < 0 else code}
        return exits

    async def _end_one(self, container: Container) -> None:
        process = container.process
        if process.returncode is None:
            try:
                process.send_signal(container.command.stop_signal)
            except ProcessLookupError:
                pass
            patience = container.spec["stop_timeout"] if self._patience is None else self._patience
            try:
                await asyncio.wait_for(process.wait(), patience)
            except asyncio.TimeoutError:
                signal_group(process.pid, signal.SIGKILL)
                await process.wait()
        self.system.ended(process.pid)
        try:
            await asyncio.wait_for(container.output, 2.0)
        except asyncio.TimeoutError:
            pass
