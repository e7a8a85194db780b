"""Start the sandbox: `python -m realism --port 0 --port-file FILE`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading

from .clock import CLOCK


def main() -> None:
    """Serve until SIGTERM or SIGINT. The port file is written whole, and only once calls are answered."""
    parser = argparse.ArgumentParser(prog="realism", description="A local AWS that behaves like AWS.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--port-file", help="where to write the port number once the server answers")
    parser.add_argument("--clock-factor", type=float, default=0.01,
                        help="scale of AWS's waits: 1.0 as in AWS, 0 everything is ready at once (default 0.01)")
    parser.add_argument("--detach", action="store_true", help="leave the session of the terminal it was started from")
    parser.add_argument("--instance", default="", help="a word that the health answer repeats")
    parser.add_argument("--registry", help="folder of the registry's layers, emptied at the start (default a temporary one)")
    parser.add_argument("--lag", metavar="SEED", default=os.environ.get("CIRCLES_SANDBOX_LAG") or None,
                        help="let new resources be unknown at first, drawn by this number (default off)")
    options = parser.parse_args()
    if options.detach:
        os.setsid()
    CLOCK.set_factor(options.clock_factor)

    from .app import Sandbox
    from .http import bind
    from .lag import DEFAULTS, LAG
    from .layer import install
    from .registry_blobs import BLOBS

    install()
    if options.lag is not None:
        LAG.default = {**DEFAULTS, "seed": options.lag}
        LAG.clear()
    if options.registry:
        BLOBS.keep_in(options.registry)
    sandbox = Sandbox(options.instance)
    server = bind(options.host, options.port, sandbox.handle)
    sandbox.address = server.server_address[:2]
    port = server.server_address[1]
    if options.port_file:
        # Calls wait in the socket's queue until serve_forever, so the port may be told now.
        partial = f"{options.port_file}.{os.getpid()}"
        with open(partial, "w", encoding="ascii") as file:
            file.write(f"{port}\n")
        os.replace(partial, options.port_file)
    print(f"sandbox on http://{options.host}:{port}", flush=True)

    def stop(*_: object) -> None:
        # shutdown() waits for serve_forever, which may be in this very thread.
        threading.Thread(target=server.shutdown, daemon=True).start()

    threading.Thread(target=warm_up, daemon=True).start()
    sandbox.stop = stop
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    server.serve_forever(poll_interval=0.2)
    server.server_close()
    BLOBS.remove()
    # Tidying up the whole of moto's memory would take seconds and change nothing.
    sys.stdout.flush()
    os._exit(0)


def warm_up() -> None:
    """Read the API models that every stack needs, beside the first calls instead of within them."""
    from moto.core.utils import get_service_model

    for service in ("ec2", "iam", "elbv2", "ecs", "rds", "s3", "ecr", "secretsmanager", "logs", "sts"):
        get_service_model(service)


if __name__ == "__main__":
    main()
