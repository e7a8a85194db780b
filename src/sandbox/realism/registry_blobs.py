"""Layers and configurations in files, and uploads on their way there.

A blob belongs to the repositories it was pushed to, as in every registry: its bytes are kept once.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import secrets
import shutil
import tempfile
import threading
from typing import Iterator

# ECR API, UploadLayerPart: every part but the last has at least 5 MiB.
LEAST_PART = 5 * 1024 * 1024


class UnknownUpload(KeyError):
    """No upload of this id: it was finished, given up, or never begun."""


class BadDigest(ValueError):
    """The bytes are not those that the digest names."""


class BadRange(ValueError):
    """A chunk that does not go on where the last one ended."""


class PartTooSmall(ValueError):
    """A part that is not the last one has less than LEAST_PART bytes."""


class _Upload:
    def __init__(self, home: tuple[str, str], path: str) -> None:
        self.home, self.path, self.length, self.hash = home, path, 0, hashlib.sha256()
        # What the answers report: the end of the first part, which does not move after it.
        self.reported, self.parts, self.first_ended = 0, [], False
        self.lock = threading.Lock()


class Blobs:
    """The store. Safe for several threads; the bytes are moved outside of the sandbox's lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folder: str | None = None
        self._own = False
        self._uploads: dict[str, _Upload] = {}
        self._homes: dict[str, set[tuple[str, str]]] = {}

    def keep_in(self, folder: str) -> None:
        """Use this folder, which is emptied first. Not called: a temporary one that goes with the process."""
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder, mode=0o700)
        self._folder = folder

    @property
    def folder(self) -> str:
        with self._lock:
            if self._folder is None:
                self._folder = tempfile.mkdtemp(prefix="sandbox-registry-")
                self._own = True
                atexit.register(self.remove)
            return self._folder

    def remove(self) -> None:
        """Delete all bytes; to be called when the process ends."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def clear(self) -> None:
        """Forget every blob and upload."""
        with self._lock:
            paths = [upload.path for upload in self._uploads.values()] + [self._path(digest) for digest in self._homes]
            self._uploads.clear()
            self._homes.clear()
        for path in paths:
            _unlink(path)

    def begin(self, home: tuple[str, str]) -> str:
        """A new upload for the repository `(region, name)`."""
        number = secrets.token_hex(16)
        path = os.path.join(self.folder, f"upload-{number}")
        open(path, "wb").close()
        with self._lock:
            self._uploads[number] = _Upload(home, path)
        return number

    def length(self, number: str) -> int:
        """How many bytes the registry reports of an upload. Raises UnknownUpload."""
        return self._upload(number).reported

    def append(self, number: str, pieces: Iterator[bytes], start: int | None, *, closing: bool = False,
               drop_later: bool = True) -> None:
        """Take what arrives, and keep it when the rest does not. Raises UnknownUpload, BadRange, ConnectionError.

        The body of a PATCH after the first complete one is dropped, unless `drop_later` is false; the body of the
        `closing` PUT never is.
        """
        upload = self._upload(number)
        with upload.lock, open(upload.path, "ab") as file:
            if start is not None and start != upload.length:
                raise BadRange(f"{upload.length} bytes have arrived, the chunk starts at {start}")
            dropped = drop_later and upload.first_ended and not closing
            size = 0
            for piece in pieces:
                size += len(piece)
                if dropped:
                    continue
                file.write(piece)
                upload.hash.update(piece)
                upload.length += len(piece)
                if not upload.first_ended:
                    upload.reported = upload.length
            if size:
                upload.parts.append(size)
                upload.first_ended = True

    def finish(self, number: str, digest: str) -> None:
        """Make the upload a blob. Raises UnknownUpload, and PartTooSmall or BadDigest, after which the upload is gone."""
        upload = self._upload(number)
        with self._lock:
            self._uploads.pop(number, None)
        if any(size < LEAST_PART for size in upload.parts[:-1]):
            _unlink(upload.path)
            raise PartTooSmall("All layer parts except the last part should be at least 5MB")
        found = f"sha256:{upload.hash.hexdigest()}"
        if found != digest:
            _unlink(upload.path)
            raise BadDigest(f"the bytes have the digest {found}, not {digest or '(none)'}")
        os.replace(upload.path, self._path(digest))
        with self._lock:
            self._homes.setdefault(digest, set()).add(upload.home)

    def give_up(self, number: str) -> None:
        with self._lock:
            upload = self._uploads.pop(number, None)
        if upload is not None:
            _unlink(upload.path)

    def find(self, home: tuple[str, str], digest: str) -> tuple[str, int] | None:
        """The file of a blob of this repository, and its size in bytes."""
        with self._lock:
            if home not in self._homes.get(digest, ()):
                return None
        path = self._path(digest)
        try:
            return path, os.path.getsize(path)
        except OSError:
            return None

    def forget(self, home: tuple[str, str], digests: set[str] | None = None) -> None:
        """The repository no longer has these blobs (None: any); bytes that nobody has are deleted."""
        with self._lock:
            left = []
            for digest in list(self._homes) if digests is None else digests:
                homes = self._homes.get(digest, set())
                homes.discard(home)
                if not homes and self._homes.pop(digest, None) is not None:
                    left.append(self._path(digest))
        for path in left:
            _unlink(path)

    def _upload(self, number: str) -> _Upload:
        with self._lock:
            try:
                return self._uploads[number]
            except KeyError:
                raise UnknownUpload(number) from None

    def _path(self, digest: str) -> str:
        return os.path.join(self._folder or "", digest.replace(":", "-"))


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass


BLOBS = Blobs()
