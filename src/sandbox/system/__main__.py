"""Start the system: `python -m system --folder FOLDER --sandbox-port PORT --port-file FILE`. Or end what one left: `--clean`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import pathlib
import shutil
import signal
import sys
import time

from .children import Children
from .follow import Everything, data_folder
from .http1 import Head, read_head
from .postgres import NoPostgres, programs
from .sandbox import Sandbox


def main() -> None:
    parser = argparse.ArgumentParser(prog="system", description="Runs what the sandbox's API says, as local processes.")
    parser.add_argument("--folder", type=pathlib.Path, required=True, help="for logs, images, and what is to be remembered")
    parser.add_argument("--sandbox-port", type=int, help="where the sandbox answers")
    parser.add_argument("--port-file", help="where to write the port of this process once it answers")
    parser.add_argument("--instance", default="", help="a word that the health answer repeats")
    parser.add_argument("--host-binary", type=pathlib.Path, help="runs in the place of an image that is not there")
    parser.add_argument("--detach", action="store_true", help="leave the session of the terminal it was started from")
    parser.add_argument("--check", action="store_true", help="say whether PostgreSQL and PostGIS are here, and end")
    parser.add_argument("--clean", action="store_true", help="end the processes that an earlier run left, and end")
    parser.add_argument("--forget", action="store_true", help="with --clean: databases and images, too")
    options = parser.parse_args()
    if options.check:
        check()
    options.folder.mkdir(parents=True, exist_ok=True)
    left = clean(options.folder)
    if options.clean:
        print(json.dumps({"ended": left}))
        if options.forget:
            shutil.rmtree(data_folder(options.folder), ignore_errors=True)
            shutil.rmtree(options.folder / "images", ignore_errors=True)
        return
    if options.detach:
        os.setsid()
    asyncio.run(serve(options))
    sys.stdout.flush()


def check() -> None:
    try:
        print(programs())
    except NoPostgres as error:
        print(error, file=sys.stderr)
        sys.exit(69)
    sys.exit(0)


def clean(folder: pathlib.Path) -> list[int]:
    """End what an earlier run left, and remove its tasks' folders."""
    left = Children(folder).clean()
    shutil.rmtree(folder / "tasks", ignore_errors=True)
    return left


async def serve(options: argparse.Namespace) -> None:
    started = time.monotonic()
    system = Everything(Sandbox(options.sandbox_port, options.instance), options.folder, data_folder(options.folder),
                        options.host_binary)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, system.stop)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await read_head(reader)
        route = head.first[:2] if head else ("", "")
        if route == ("POST", "/_sandbox/stop"):
            system.stop()
        said = {("GET", "/_sandbox/health"): lambda: {
            "instance": options.instance, "pid": os.getpid(), "clock_factor": 0.0,
            "uptime_seconds": round(time.monotonic() - started, 3)},
            ("GET", "/_sandbox/system"): system.shown,
            ("POST", "/_sandbox/stop"): lambda: {"status": "ok"}}.get(route)
        body = json.dumps(said() if said else {"error": "no such control"}).encode()
        writer.write(Head(("HTTP/1.1", "200" if said else "404", "OK" if said else "Not Found"), [
            ("Content-Type", "application/json"), ("Content-Length", str(len(body))), ("Connection", "close")]).bytes() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    if options.port_file:
        partial = f"{options.port_file}.{os.getpid()}"
        pathlib.Path(partial).write_text(f"{port}\n")
        os.replace(partial, options.port_file)
    print(f"following the sandbox on port {options.sandbox_port}, answering on {port}", flush=True)
    await system.run()
    server.close()


if __name__ == "__main__":
    main()
