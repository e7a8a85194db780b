"""PostgreSQL with PostGIS in RDS's place: where it is installed, and one private server for one DB instance.

It listens on 127.0.0.1, takes TLS connections with a password alone, has its data in a folder of its own, and no superuser
that could log in over the network, as in RDS.
"""

from __future__ import annotations

import asyncio
import os
import pathlib
import pwd
import shutil
import tempfile
from typing import Any

from . import certificates
from .children import Children, signal_group
from .ports import free_port

# Where packages put PostgreSQL: Debian and Ubuntu, Fedora and Arch, Homebrew on two kinds of Mac, and what is on PATH.
PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin",
          "/usr/local/opt/postgresql@*/bin")
# Twice the pool of two generations of a service's tasks, and some for people.
CONNECTIONS = 300
START_PATIENCE = 60.0


class NoPostgres(Exception):
    """PostgreSQL or PostGIS is missing; the message says what to install."""


def install_line(version: str = "15") -> str:
    """What to type on this system."""
    if shutil.which("brew"):
        return "brew install postgresql@17 postgis"
    if shutil.which("apt-get"):
        return f"sudo apt-get install -y postgresql-{version} postgresql-{version}-postgis-3"
    if shutil.which("dnf"):
        return "sudo dnf install postgresql-server postgis"
    if shutil.which("pacman"):
        return "sudo pacman -S postgresql postgis"
    return "PostgreSQL 15 or newer with PostGIS 3, from your system's packages"


def packaged_version() -> str:
    """The version that this system's packages have, as far as that can be known without asking anybody."""
    try:
        release = dict(line.rstrip().split("=", 1) for line in open("/etc/os-release", encoding="utf-8") if "=" in line)
    except (OSError, ValueError):
        return "15"
    known = {"bookworm": "15", "trixie": "17", "jammy": "14", "noble": "16", "plucky": "17", "questing": "17"}
    return known.get(release.get("VERSION_CODENAME", "").strip('"'), "15")


def programs() -> pathlib.Path:
    """The folder of `postgres` and `initdb` that PostGIS belongs to, the newest one. Raises NoPostgres."""
    found = [path for pattern in PLACES for path in sorted(pathlib.Path("/").glob(pattern[1:]), key=_version)]
    on_path = shutil.which("initdb")
    if on_path:
        found.insert(0, pathlib.Path(on_path).resolve().parent)
    found = [folder for folder in found if (folder / "postgres").exists() and (folder / "initdb").exists()]
    with_postgis = [folder for folder in found if _has_postgis(folder)]
    if with_postgis:
        return with_postgis[-1]
    version = str(_version(found[-1])) if found and _version(found[-1]) else packaged_version()
    missing = "PostGIS is" if found else "PostgreSQL with PostGIS is"
    raise NoPostgres(f"{missing} not installed. Type: {install_line(version)}")


def _version(folder: pathlib.Path) -> int:
    digits = "".join(char if char.isdigit() else " " for char in str(folder)).split()
    return int(digits[-1]) if digits else 0


def _has_postgis(folder: pathlib.Path) -> bool:
    places = [folder.parent / "share", pathlib.Path("/usr/share/postgresql") / folder.parent.name,
              pathlib.Path("/usr/share/pgsql"), pathlib.Path("/usr/share/postgresql")]
    # Homebrew keeps extensions of all packages in one place.
    places += [pathlib.Path(root) / "share" / folder.parent.name for root in ("/opt/homebrew", "/usr/local")]
    return any(list(place.glob("**/extension/postgis.control")) for place in places if place.is_dir())


class Postgres:
    """The server of one DB instance."""

    def __init__(self, database: dict[str, Any], folder: pathlib.Path, children: Children) -> None:
        self.wanted, self.folder = database, folder
        self.port = 0
        self.ready = asyncio.Event()
        self.problem: str | None = None
        self._children = children
        self._password = ""
        self._process: asyncio.subprocess.Process | None = None
        self._socket = ""
        # PostgreSQL refuses to run as root.
        self._user = _unprivileged() if os.geteuid() == 0 else None

    @property
    def authority(self) -> pathlib.Path:
        """The certificate that its own is signed with."""
        return self.folder / "ca.pem"

    async def start(self, wished_port: int) -> None:
        """Make the data folder unless it is there, start the server, make user and database. What fails is kept as `problem`."""
        try:
            bin_folder = programs()
            if not (self.folder / "data" / "circles-infra").exists():
                await self._initialise(bin_folder)
            self.port = free_port(wished_port)
            await self._serve(bin_folder)
            await self._make_user_and_database(bin_folder)
            self.ready.set()
        except (NoPostgres, OSError, RuntimeError) as error:
            self.problem = str(error)
            print(f"database {self.wanted['name']}: {error}", flush=True)

    async def _initialise(self, bin_folder: pathlib.Path) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o755, parents=True)
        certificates.make(self.folder, [self.wanted["address"]])
        self._own(self.folder, *self.folder.iterdir())
        data = self.folder / "data"
        await self._run(str(bin_folder / "initdb"), "-D", str(data), "-U", "rdsadmin", "--auth=trust", "-E", "UTF8",
                        "--locale=C", "--no-sync", "--no-instructions")
        # Over the network: with TLS and a password, and nobody who is a superuser. Over the socket: who may enter its folder.
        (data / "pg_hba.conf").write_text("local all all trust\nhostssl all rdsadmin all reject\n"
                                          "hostssl all all all scram-sha-256\nhostnossl all all all reject\n")
        (data / "circles-infra").write_text("made whole\n")
        self._own(data / "pg_hba.conf", data / "circles-infra")

    def _own(self, *paths: pathlib.Path) -> None:
        if self._user is not None:
            for path in paths:
                os.chown(path, self._user.pw_uid, self._user.pw_gid)

    def _identity(self) -> dict[str, Any]:
        if self._user is None:
            return {}
        return {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}

    async def _serve(self, bin_folder: pathlib.Path) -> None:
        # A socket's path is limited to some hundred bytes, so it has a short folder of its own.
        self._socket = tempfile.mkdtemp(prefix="circles-pg-")
        self._own(pathlib.Path(self._socket))
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        settings = {
            "listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": self._socket, "ssl": "on",
            "ssl_cert_file": self.folder / "server.pem", "ssl_key_file": self.folder / "server.key",
            "max_connections": CONNECTIONS, "password_encryption": "scram-sha-256",
            # A crash of the machine may lose it; the API's memory is lost then, too.
            "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with open(self.folder / "log", "ab") as log:
            self._process = await self._children.start(
                [str(bin_folder / "postgres"), "-D", str(self.folder / "data"), *options], cwd=str(self.folder),
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, env=_environment(), **self._identity())
        until = asyncio.get_running_loop().time() + START_PATIENCE
        while not pathlib.Path(self._socket, f".s.PGSQL.{self.port}").exists() or not await self._answers(bin_folder):
            if self._process.returncode is not None or asyncio.get_running_loop().time() > until:
                said = (self.folder / "log").read_text(errors="replace").strip().splitlines()[-5:]
                raise RuntimeError("PostgreSQL did not start: " + " / ".join(said))
            await asyncio.sleep(0.05)

    async def _answers(self, bin_folder: pathlib.Path) -> bool:
        try:
            await self._sql(bin_folder, "postgres", "select 1;")
        except RuntimeError:
            return False
        return True

    async def _make_user_and_database(self, bin_folder: pathlib.Path) -> None:
        user, name = _identifier(self.wanted["user"]), self.wanted["database"]
        await self._sql(bin_folder, "postgres", f"""
            do $$ begin if not exists (select from pg_roles where rolname = 'rds_superuser') then
                create role rds_superuser; grant pg_monitor, pg_signal_backend to rds_superuser; end if; end $$;
            do $$ begin if not exists (select from pg_roles where rolname = {_text(self.wanted['user'])}) then
                create role {user} login createdb createrole in role rds_superuser; end if; end $$;""")
        await self.change_password(self.wanted["password"])
        known = await self._sql(bin_folder, "postgres", f"select 1 from pg_database where datname = {_text(name)};")
        if not known.strip():
            await self._sql(bin_folder, "postgres", f"create database {_identifier(name)} owner {user};")
        # RDS lets its users create this extension; elsewhere only a superuser may.
        await self._sql(bin_folder, name, "create extension if not exists postgis;")

    async def change_password(self, password: str) -> None:
        """Follow the API's master password. It goes to the server alone, and not into its log."""
        if password == self._password:
            return
        await self._sql(programs(), "postgres", "set log_min_error_statement = panic; "
                        f"alter role {_identifier(self.wanted['user'])} password {_text(password)};")
        self._password = password

    async def _sql(self, bin_folder: pathlib.Path, database: str, text: str) -> str:
        return await self._run(str(bin_folder / "psql"), "-h", self._socket, "-p", str(self.port), "-U", "rdsadmin", "-d",
                               database, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-", text=text)

    async def _run(self, *command: str, text: str = "") -> str:
        """A command's output. Raises RuntimeError with what it said; never with what it was given."""
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            cwd=str(self.folder), env=_environment(), **self._identity())
        out, err = await process.communicate(text.encode())
        if process.returncode != 0:
            lines = [line for line in err.decode(errors="replace").splitlines() if "password" not in line.lower()]
            raise RuntimeError(f"{pathlib.Path(command[0]).name} failed: " + " / ".join(lines[-5:]))
        return out.decode()

    async def stop(self, remove: bool) -> None:
        """End the server; with `remove`, its data too."""
        if self._process is not None:
            # SIGINT is PostgreSQL's fast shutdown: it does not wait for clients.
            for number, patience in ((2, 5.0), (9, 5.0)):
                if self._process.returncode is None:
                    signal_group(self._process.pid, number) if number == 9 else self._process.send_signal(number)
                    try:
                        await asyncio.wait_for(self._process.wait(), patience)
                    except asyncio.TimeoutError:
                        continue
            self._children.ended(self._process.pid)
        if self._socket:
            shutil.rmtree(self._socket, ignore_errors=True)
        if remove:
            shutil.rmtree(self.folder, ignore_errors=True)


def _unprivileged() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NoPostgres("PostgreSQL does not run as root, and there is no user `postgres`. Run this as another user")


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"E'{escaped}'"
