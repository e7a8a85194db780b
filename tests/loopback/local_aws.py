"""The sandbox's server as a process of its own on a free port, with every wait cut to nothing."""

import contextlib
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def running(folder):
    """Its port; it ends with the block."""
    port_file = folder / "port"
    with open(folder / "log", "w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "realism", "--host", "127.0.0.1", "--port", "0", "--clock-factor", "0", "--port-file", str(port_file)],
            env={**os.environ, "PYTHONPATH": str(ROOT / "src/sandbox"), "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
    try:
        deadline = time.monotonic() + 120
        while not (port_file.exists() and port_file.read_text().strip()):
            assert server.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.05)
        yield int(port_file.read_text())
    finally:
        server.terminate()
        server.wait()
