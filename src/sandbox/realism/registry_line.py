"""How bytes come in at the registry: how fast, and what becomes of the parts of an upload after the first."""

from __future__ import annotations

import threading
import time
from typing import Any, Iterator

PIECE = 256 * 1024


class Line:
    """Settings of the registry's side of an upload; a test changes them, a reset takes them back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """ECR's ways: no limit of speed; what later PATCHes carry is dropped."""
        self.bytes_per_second: float | None = None
        # aws/containers-roadmap#2831: the report says that these bytes are lost, a later comment that they are kept
        # and the reported range alone is stale. A client that must work on ECR relies on neither.
        self.drop_later = True

    def pieces(self, stream: Any) -> Iterator[bytes]:
        """The body of a request, read no faster than the line is."""
        speed = self.bytes_per_second
        if not speed:
            yield from stream.pieces(PIECE)
            return
        # Four pieces a second: small enough that a client sees its writes go on.
        for piece in stream.pieces(max(1, min(PIECE, int(speed / 4)))):
            yield piece
            time.sleep(len(piece) / speed)


LINE = Line()
