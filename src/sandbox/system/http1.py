"""HTTP/1.1 messages as a proxy sees them: heads that are read and written, bodies that are passed on as they arrive. RFC 9112."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

LARGEST_HEAD = 64 * 1024
PIECE = 64 * 1024
# RFC 9110, 7.6.1: of one connection alone.
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade", "proxy-authenticate",
              "proxy-authorization"}


class Malformed(Exception):
    """A message that is not HTTP/1.1, or that two readers could understand in two ways."""


@dataclass
class Head:
    """The first line in its three parts, and the header fields in their order."""

    first: tuple[str, str, str]
    fields: list[tuple[str, str]] = field(default_factory=list)

    def get(self, name: str) -> str | None:
        return next((value for key, value in self.fields if key.lower() == name), None)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key.lower() == name]

    def tokens(self, name: str) -> set[str]:
        """A comma-separated field as a set of lowercase words."""
        return {word.strip().lower() for value in self.all(name) for word in value.split(",") if word.strip()}

    def without(self, names: set[str]) -> list[tuple[str, str]]:
        return [(key, value) for key, value in self.fields if key.lower() not in names]

    def bytes(self) -> bytes:
        lines = [" ".join(self.first), *(f"{key}: {value}" for key, value in self.fields)]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


@dataclass
class Body:
    """How long what follows a head is: a number of bytes, chunks, or (length None) all until the connection ends."""

    length: int | None = 0
    chunked: bool = False


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """The next head; None when the connection ends before it begins. Raises Malformed."""
    try:
        text = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial.strip():
            raise Malformed("the connection ended within a head") from None
        return None
    except asyncio.LimitOverrunError:
        raise Malformed("a head that is too long") from None
    lines = text.decode("latin-1").strip("\r\n").split("\r\n")
    first = lines[0].split(" ", 2)
    if len(first) < 2:
        raise Malformed("no first line")
    fields = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise Malformed("a field without a name")
        fields.append((name, value.strip()))
    return Head((first[0], first[1], first[2] if len(first) > 2 else ""), fields)


def request_body(head: Head) -> Body:
    """Raises Malformed for a length that is said twice."""
    if not head.first[2].startswith("HTTP/1."):
        raise Malformed("not HTTP/1")
    return _framed(head) or Body(0)


def answer_body(head: Head, method: str) -> Body:
    status = int(head.first[1]) if head.first[1].isdigit() else 0
    if not 100 <= status <= 999:
        raise Malformed("an answer without a status")
    if method == "HEAD" or status < 200 or status in (204, 304):
        return Body(0)
    return _framed(head) or Body(None)


def _framed(head: Head) -> Body | None:
    encodings, lengths = head.tokens("transfer-encoding"), set(head.all("content-length"))
    if encodings:
        # RFC 9112, 6.1: both at once is how requests are smuggled.
        if lengths or encodings != {"chunked"}:
            raise Malformed("an unclear length")
        return Body(None, chunked=True)
    if not lengths:
        return None
    if len(lengths) > 1 or not (text := lengths.pop()).isascii() or not text.isdigit():
        raise Malformed("an unclear length")
    return Body(int(text))


class Pulse:
    """When bytes last passed, in either direction."""

    def __init__(self) -> None:
        self.at = asyncio.get_running_loop().time()

    def beat(self) -> None:
        self.at = asyncio.get_running_loop().time()


async def pass_body(body: Body, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pulse: Pulse) -> None:
    """Pass a body on as it is framed. Raises Malformed or ConnectionError when it breaks off."""
    if body.chunked:
        await _pass_chunks(reader, writer, pulse)
    elif body.length is None:
        while piece := await reader.read(PIECE):
            await _send(writer, piece, pulse)
    else:
        await _pass_exactly(body.length, reader, writer, pulse)


async def _pass_exactly(length: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pulse: Pulse) -> None:
    while length:
        piece = await reader.read(min(PIECE, length))
        if not piece:
            raise ConnectionError("a body that breaks off")
        length -= len(piece)
        await _send(writer, piece, pulse)


async def _pass_chunks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pulse: Pulse) -> None:
    while True:
        line = await _line(reader)
        try:
            size = int(line.split(b";")[0].strip(), 16)
        except ValueError:
            raise Malformed("a chunk without a size") from None
        await _send(writer, line, pulse)
        if size == 0:
            break
        await _pass_exactly(size + 2, reader, writer, pulse)
    while True:
        line = await _line(reader)
        await _send(writer, line, pulse)
        if line == b"\r\n":
            return


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n")
    except asyncio.IncompleteReadError:
        raise ConnectionError("a body that breaks off") from None
    except asyncio.LimitOverrunError:
        raise Malformed("a line that is too long") from None


async def _send(writer: asyncio.StreamWriter, piece: bytes, pulse: Pulse) -> None:
    writer.write(piece)
    await writer.drain()
    pulse.beat()
