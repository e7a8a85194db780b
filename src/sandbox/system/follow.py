"""The loop that makes this machine as the sandbox's API says, a few times a second, and ends it all when it is told to."""

from __future__ import annotations

import asyncio
import json
import os
import pathlib
import shutil
import time
from typing import Any

from .balancers import Balancers
from .children import Children
from .commands import Command, Commands
from .images import Images
from .logs import Logs
from .postgres import Postgres
from .sandbox import Gone, NotOurs, Refused, Sandbox
from .tasks import Task

PAUSE = 0.2
# A sandbox that has not answered for this long has ended, and with it the world that this follows.
SILENCE = 10.0
# Services are given their health checks' grace, but nobody waits for minutes at a local process.
LONGEST_GRACE = 20.0
# When everything ends, tasks get this long instead of their stop timeouts.
LAST_PATIENCE = 5.0


class Everything:
    """The system of one sandbox. `data` is where databases are kept."""

    def __init__(self, sandbox: Sandbox, folder: pathlib.Path, data: pathlib.Path, host_binary: pathlib.Path | None) -> None:
        self.sandbox, self._folder, self._data, self._host_binary = sandbox, folder, data, host_binary
        self._children = Children(folder)
        self._images = Images(sandbox.endpoint, folder / "images")
        self._logs = Logs(sandbox)
        self._tasks: dict[str, Task] = {}
        self._jobs: set[asyncio.Task] = set()
        self._databases: dict[str, Postgres] = {}
        self._balancers = Balancers(sandbox, folder / "tls", self._locate)
        self.commands = Commands(sandbox.endpoint, host_binary, self._images, lambda: list(self._databases.values()))
        self._stopping = asyncio.Event()
        self._world: dict[str, Any] = {}
        self._ports_file = folder / "ports.json"
        self._ports: dict[str, int] = _read(self._ports_file)
        self._heard = time.monotonic()

    def stop(self) -> None:
        self._stopping.set()

    # What tasks need.

    async def start(self, command: Command) -> asyncio.subprocess.Process:
        return await self._children.start(
            command.whole(), env=command.environment, cwd=command.folder, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)

    def follow(self, stream: asyncio.StreamReader, logs: dict[str, str] | None) -> asyncio.Task:
        return self._job(self._logs.follow(stream, logs))

    def ended(self, pid: int) -> None:
        self._children.ended(pid)

    def _job(self, work: Any) -> asyncio.Task:
        job = asyncio.create_task(work)
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        return job

    # The loop.

    async def run(self) -> None:
        """Attach, follow until told to stop or the sandbox is gone, end everything."""
        await self.sandbox.attach(self._host_binary is not None)
        sending = self._job(self._logs.run())
        try:
            while not self._stopping.is_set():
                await self._look()
                try:
                    await asyncio.wait_for(self._stopping.wait(), PAUSE)
                except asyncio.TimeoutError:
                    continue
        finally:
            sending.cancel()
            await self._end()

    async def _look(self) -> None:
        try:
            self._world = await self.sandbox.world()
            self._heard = time.monotonic()
            await self._follow(self._world)
        except NotOurs:
            # The sandbox took this process for dead, or another one has taken over.
            try:
                await self.sandbox.attach(self._host_binary is not None)
            except (Gone, NotOurs, Refused):
                self.stop()
        except (Gone, Refused) as error:
            print(f"follow: {error}", flush=True)
            if time.monotonic() - self._heard > SILENCE:
                self.stop()

    async def _follow(self, world: dict[str, Any]) -> None:
        await self._follow_databases(world)
        before = dict(self._ports)
        # Targets before tasks: nothing is told to stop while it still gets requests.
        await self._balancers.follow(world, self._ports)
        self._follow_tasks(world)
        if self._ports != before:
            self._ports_file.write_text(json.dumps(self._ports))

    def _locate(self, address: str, port: int) -> tuple[str, int] | None:
        for task in self._tasks.values():
            if task.shown["address"] == address and not task.over:
                return ("127.0.0.1", task.ports[port]) if task.started is not None and port in task.ports else None
        # A target that was registered by hand, and is of this machine.
        return (address, port) if address.startswith("127.") else None

    def _follow_tasks(self, world: dict[str, Any]) -> None:
        graces = {service["name"]: min(service["grace"], LONGEST_GRACE) for service in world["services"]}
        shown = {task["arn"]: task for task in world["tasks"]}
        for arn, said in shown.items():
            known = self._tasks.get(arn)
            if known is None:
                known = self._tasks[arn] = Task(said, self, self._folder / "tasks" / said["id"])
                self._job(known.run())
            known.shown = said
            if said["status"] == "STOPPING":
                known.stop()
            elif known.started is not None and time.monotonic() - known.started > graces.get(said["service"], 0):
                group = self._balancers.failing(said["address"])
                if group is not None:
                    known.fail(f"Task failed ELB health checks in (target-group {group})", "ServiceSchedulerInitiated")
        for arn, task in list(self._tasks.items()):
            if arn not in shown:
                # The API has forgotten it.
                task.stop(LAST_PATIENCE)
                if task.over:
                    del self._tasks[arn]

    async def _follow_databases(self, world: dict[str, Any]) -> None:
        wanted = {database["id"]: database for database in world["databases"]}
        for gone in set(self._databases) - set(wanted):
            await self._databases.pop(gone).stop(remove=True)
        for key, database in wanted.items():
            known = self._databases.get(key)
            if known is None:
                known = self._databases[key] = Postgres(database, self._data / key, self._children)
                port_key = f"database:{key}"
                self._job(self._start_database(known, port_key))
            elif known.ready.is_set():
                await known.change_password(database["password"])

    async def _start_database(self, database: Postgres, port_key: str) -> None:
        await database.start(self._ports.get(port_key, 0))
        self._ports[port_key] = database.port
        for folder in self._data.iterdir() if self._data.is_dir() else []:
            if folder.name not in self._databases:
                shutil.rmtree(folder, ignore_errors=True)

    async def _end(self) -> None:
        for task in self._tasks.values():
            task.stop(LAST_PATIENCE)
        await asyncio.gather(*list(self._jobs), return_exceptions=True)
        await self._logs.send()
        await self._balancers.close()
        await asyncio.gather(*(database.stop(remove=False) for database in self._databases.values()))
        try:
            await self.sandbox.detach()
        except (Gone, NotOurs, Refused):
            pass

    def shown(self) -> dict[str, Any]:
        """What there is, for `sandbox up` and `sandbox status`. No secrets."""
        return {
            "sandbox": self.sandbox.port, "host_build": str(self._host_binary) if self._host_binary else None,
            "services": self._world.get("services", []), "balancers": self._balancers.names,
            "tasks": [{"id": task.shown["id"], "service": task.shown["service"],
                       "host_build": any(not container.command.entering for container in task.containers),
                       "pids": [container.process.pid for container in task.containers
                                if container.process.returncode is None]}
                      for task in self._tasks.values() if not task.over],
            "databases": [{"name": database.wanted["name"], "port": database.port, "ready": database.ready.is_set(),
                           "problem": database.problem} for database in self._databases.values()]}


def _read(path: pathlib.Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}


def data_folder(folder: pathlib.Path) -> pathlib.Path:
    """Where databases are kept: with the rest; but PostgreSQL does not run as root, and another user cannot enter root's folders."""
    if os.geteuid() != 0:
        return folder / "databases"
    name = str(folder.resolve()).strip("/").replace("/", "-")
    return pathlib.Path("/var/tmp/circles-infra-sandbox") / name
