"""Free ports of 127.0.0.1."""

from __future__ import annotations

import socket


def free_port(wished: int = 0) -> int:
    """The wished one when it is free, or any other that is."""
    for port in (wished, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise OSError("no free port")
