"""Layers onto a folder: files, links, and the marks that say what an upper layer takes away. Nothing is ever written outside
of the folder, whatever names and links a layer holds."""

from __future__ import annotations

import os
import pathlib
import shutil
import tarfile

WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"
MOST_LINKS = 40


def unpack(archive: pathlib.Path, root: pathlib.Path) -> None:
    """Raises tarfile.TarError, OSError, ValueError."""
    with open(archive, "rb") as file:
        if file.read(4) == b"\x28\xb5\x2f\xfd":
            raise ValueError("its layers are compressed with zstd, which the sandbox does not read; build with gzip")
    folders: list[tuple[pathlib.Path, int]] = []
    with tarfile.open(archive, "r:*") as tar:
        for member in tar:
            parent, name = _place(root, member.name)
            if not name:
                continue
            if name == OPAQUE:
                for path in list(parent.iterdir()):
                    _remove(path)
            elif name.startswith(WHITEOUT):
                _remove(parent / name[len(WHITEOUT):])
            else:
                _put(tar, member, root, parent / name, folders)
    # A folder that may not be written gets its mode once it is full.
    for path, mode in reversed(folders):
        if path.is_dir() and not path.is_symlink():
            path.chmod(mode)


def _put(tar: tarfile.TarFile, member: tarfile.TarInfo, root: pathlib.Path, path: pathlib.Path,
         folders: list[tuple[pathlib.Path, int]]) -> None:
    mode = member.mode & 0o7777
    if member.isdir():
        if path.is_symlink() or not path.is_dir():
            _remove(path)
            path.mkdir(mode=0o755)
        folders.append((path, mode | 0o700 if os.geteuid() else mode))
    elif member.isreg():
        _remove(path)
        with open(path, "xb") as file:
            shutil.copyfileobj(tar.extractfile(member), file, 1024 * 1024)
        path.chmod(mode)
    elif member.issym():
        _remove(path)
        os.symlink(member.linkname, path)
    elif member.islnk():
        folder, name = _place(root, member.linkname)
        _remove(path)
        os.link(folder / name, path, follow_symlinks=False)
    else:
        # Devices and pipes: a task gets the machine's own /dev.
        return
    if os.geteuid() == 0 and not member.islnk():
        os.chown(path, member.uid, member.gid, follow_symlinks=False)
        if member.isreg():
            path.chmod(mode)


def _place(root: pathlib.Path, name: str) -> tuple[pathlib.Path, str]:
    """The folder that an entry lies in, made where it is missing, and its last name. Links on the way lead inside the root."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if not parts or parts[-1] == "..":
        return root, ""
    return _walk(root, parts[:-1]), parts[-1]


def _walk(root: pathlib.Path, parts: list[str]) -> pathlib.Path:
    here, left, links = root, list(parts), 0
    while left:
        part = left.pop(0)
        if part == "..":
            here = here.parent if here != root else root
            continue
        step = here / part
        if step.is_symlink():
            links += 1
            if links > MOST_LINKS:
                raise ValueError("a layer's links go in a circle")
            target = os.readlink(step)
            here = root if target.startswith("/") else here
            left = [word for word in target.split("/") if word not in ("", ".")] + left
            continue
        if not step.is_dir():
            step.unlink(missing_ok=True)
            step.mkdir(mode=0o755)
        here = step
    return here


def _remove(path: pathlib.Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
