"""How a container of a task definition becomes a command of this machine: program, arguments, environment, root.

What AWS gives a task and this machine does not have is replaced: the address of a database leads to its stand-in, the AWS
calls to the sandbox, and the container's port to a free one, which the program finds in PORT and APP_PORT, for all tasks share
one network.
"""

from __future__ import annotations

import asyncio
import pathlib
import shutil
import signal
import sys
from dataclasses import dataclass, replace
from typing import Any, Callable

from .images import CannotPull, Image, Images, numeric_user
from .ports import free_port

ENTER = pathlib.Path(__file__).with_name("enter.py")
HOST_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Beside the settings of libpq, what an image's own authorities would be taken for.
AUTHORITY = "PGSSLROOTCERT"
DATABASE_PATIENCE = 120.0


@dataclass(frozen=True)
class Command:
    argv: tuple[str, ...]
    environment: dict[str, str]
    folder: str
    stop_signal: int = signal.SIGTERM
    # What goes before a program to enter the image; empty for the host build.
    entering: tuple[str, ...] = ()

    def whole(self) -> tuple[str, ...]:
        return self.entering + self.argv


class Commands:
    def __init__(self, endpoint: str, host_binary: pathlib.Path | None, images: Images,
                 databases: Callable[[], list[Any]]) -> None:
        self._endpoint, self._host_binary, self._images, self._databases = endpoint, host_binary, images, databases
        self._pulling = asyncio.Lock()

    async def prepare(self, task: dict[str, Any], container: dict[str, Any], folder: pathlib.Path,
                      ports: dict[int, int]) -> Command:
        """Raises CannotPull."""
        for port in container["ports"]:
            ports[port] = free_port()
        environment = {**container["environment"], **container["secrets"]}
        authority = await self._reach_databases(environment)
        ours = {"AWS_ENDPOINT_URL": self._endpoint, "AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox",
                "AWS_REGION": task["region"], "AWS_DEFAULT_REGION": task["region"],
                "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE", "AWS_EC2_METADATA_DISABLED": "true"}
        if container["ports"]:
            ours["PORT"] = ours["APP_PORT"] = str(ports[container["ports"][0]])
        if container["image"]["host_build"]:
            return self._host_command(container, {**ours, **_without(environment, ours)}, authority, folder)
        async with self._pulling:
            image = await asyncio.to_thread(self._images.prepare, container["image"])
        return self._image_command(container, image, {**ours, **_without(environment, ours)}, authority)

    async def _reach_databases(self, environment: dict[str, str]) -> pathlib.Path | None:
        """Lead a database's address to its stand-in, once that is there; the certificate authority of the last one."""
        authority = None
        for database in self._databases():
            address = database.wanted["address"]
            if not any(address in value for value in environment.values()):
                continue
            try:
                await asyncio.wait_for(database.ready.wait(), DATABASE_PATIENCE)
            except asyncio.TimeoutError:
                raise CannotPull(f"CannotStartContainerError: database {database.wanted['name']} does not run: "
                                 f"{database.problem or 'it did not answer in time'}") from None
            for name, value in environment.items():
                value = value.replace(f"{address}:{database.wanted['port']}", f"127.0.0.1:{database.port}")
                environment[name] = value.replace(address, "127.0.0.1")
            authority = database.authority
        return authority

    def _host_command(self, container: dict[str, Any], environment: dict[str, str], authority: pathlib.Path | None,
                      folder: pathlib.Path) -> Command:
        if self._host_binary is None:
            raise CannotPull(f"CannotPullContainerError: {container['image']['reference']}: not found, and no host build")
        base = {"PATH": f"{self._host_binary.parent}:{HOST_PATH}", "HOME": str(folder)}
        if authority is not None:
            base[AUTHORITY] = str(authority)
        # The image, which would say how to start it, is not there; the service's own start is `serve`.
        arguments = container["command"] or ["serve"]
        return Command((str(self._host_binary), *arguments), {**base, **environment}, str(folder))

    def _image_command(self, container: dict[str, Any], image: Image, environment: dict[str, str],
                       authority: pathlib.Path | None) -> Command:
        entry_point = container["entry_point"]
        argv = [*(entry_point or image.entry_point),
                *(container["command"] or ([] if entry_point else image.command))]
        if not argv:
            raise CannotPull("CannotStartContainerError: no command specified")
        base = {"PATH": HOST_PATH, "HOME": "/", **image.environment}
        if authority is not None:
            shutil.copyfile(authority, image.root / "circles-sandbox-ca.pem")
            base[AUTHORITY] = "/circles-sandbox-ca.pem"
        uid, gid = numeric_user(image.root, container["user"] or image.user)
        entering = (sys.executable, "-I", "-S", str(ENTER), str(image.root), str(uid), str(gid),
                    container["folder"] or image.folder or "/")
        number = getattr(signal, image.stop_signal, signal.SIGTERM)
        return Command(tuple(argv), {**base, **environment}, "/", number, entering)

    def check(self, command: Command, check: list[str]) -> Command | None:
        """The command of a container's health check; None for a program that the host build's machine does not have."""
        argv = ("/bin/sh", "-c", check[1]) if check[0] == "CMD-SHELL" else tuple(check[1:] if check[0] == "CMD" else check)
        if not command.entering:
            program = shutil.which(argv[0], path=command.environment["PATH"])
            if program is None:
                return None
            argv = (program, *argv[1:])
        return replace(command, argv=argv)


def _without(environment: dict[str, str], ours: dict[str, str]) -> dict[str, str]:
    """What the task definition says goes before what AWS gives, but the port is this machine's."""
    return {name: value for name, value in environment.items() if name not in ("PORT", "APP_PORT") or name not in ours}
