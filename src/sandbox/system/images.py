"""Images out of the registry: pulled over its protocol, checked, and unpacked into folders that are kept by digest.

Formats: OCI image specification 1.1, "Image Manifest", "Image Configuration", "Image Layer Filesystem Changeset".
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import shutil
import sys
import tarfile
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from .unpack import unpack

INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
PATIENCE = 60


class CannotPull(Exception):
    """An image that cannot be had or unpacked; the message is the task's stop reason."""


@dataclass
class Image:
    """An unpacked image: its root folder, and what its configuration says about how to run it."""

    root: pathlib.Path
    entry_point: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    user: str = ""
    folder: str = "/"
    stop_signal: str = "SIGTERM"


class Images:
    """The unpacked images of one sandbox. Blocking: to be called in a thread, one at a time."""

    def __init__(self, endpoint: str, folder: pathlib.Path) -> None:
        self._endpoint, self._folder = endpoint, folder

    def prepare(self, image: dict[str, Any]) -> Image:
        """The image of a container as ECS would pull it. Raises CannotPull."""
        if sys.platform != "linux":
            raise CannotPull("CannotStartContainerError: images hold programs for Linux; on this system use --host-binary")
        folder = self._folder / image["digest"].replace(":", "-")
        try:
            if not (folder / "config.json").exists():
                self._unpack(image, folder)
            return _read(folder)
        except (OSError, ValueError, KeyError, TypeError, tarfile.TarError, EOFError) as error:
            raise CannotPull(f"CannotPullContainerError: {image['reference']}: {error}") from None

    def keep(self, digests: set[str]) -> None:
        """Throw away what no task needs any more."""
        names = {digest.replace(":", "-") for digest in digests}
        for folder in self._folder.iterdir() if self._folder.is_dir() else []:
            if folder.name not in names:
                shutil.rmtree(folder, ignore_errors=True)

    def _unpack(self, image: dict[str, Any], folder: pathlib.Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        partial = folder.with_name(folder.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        (partial / "root").mkdir(parents=True)
        pull = _Pull(self._endpoint, image["region"], image["repository"])
        manifest = pull.manifest(image["digest"], image["architecture"])
        for number, layer in enumerate(manifest["layers"]):
            archive = partial / f"layer-{number}"
            pull.blob(layer["digest"], archive)
            unpack(archive, partial / "root")
            archive.unlink()
        pull.blob(manifest["config"]["digest"], partial / "config.json")
        partial.rename(folder)


def _read(folder: pathlib.Path) -> Image:
    config = json.loads((folder / "config.json").read_text()).get("config") or {}
    return Image(
        folder / "root", config.get("Entrypoint") or [], config.get("Cmd") or [],
        dict(entry.split("=", 1) for entry in config.get("Env") or [] if "=" in entry),
        config.get("User") or "", config.get("WorkingDir") or "/", config.get("StopSignal") or "SIGTERM")


class _Pull:
    """One image's way out of the registry."""

    def __init__(self, endpoint: str, region: str, repository: str) -> None:
        self._repository = repository
        # A proxy of the environment has no business between processes of one machine.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        data = self._token(endpoint, region)
        self._registry = data["proxyEndpoint"].rstrip("/")
        self._authorization = f"Basic {data['authorizationToken']}"

    def _token(self, endpoint: str, region: str) -> dict[str, str]:
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
            "Authorization": f"AWS4-HMAC-SHA256 Credential=sandbox/20260101/{region}/ecr/aws4_request, "
                             "SignedHeaders=host, Signature=0"}
        with self._open(urllib.request.Request(endpoint + "/", method="POST", data=b"{}", headers=headers)) as answer:
            return json.load(answer)["authorizationData"][0]

    def _open(self, request: urllib.request.Request) -> Any:
        try:
            return self._opener.open(request, timeout=PATIENCE)
        except urllib.error.HTTPError as error:
            raise OSError(f"the registry answered {error.code}: {error.read(300).decode(errors='replace')}") from None

    def _get(self, path: str, accept: str = "*/*") -> Any:
        return self._open(urllib.request.Request(f"{self._registry}/v2/{self._repository}/{path}", headers={
            "Authorization": self._authorization, "Accept": accept}))

    def manifest(self, digest: str, architecture: str) -> dict[str, Any]:
        """The manifest of an image; of an index the one for linux and this architecture."""
        with self._get(f"manifests/{digest}", ", ".join(INDEXES + MANIFESTS)) as answer:
            text = answer.read()
        _verify(digest, hashlib.sha256(text))
        manifest = json.loads(text)
        if "manifests" not in manifest:
            return manifest
        for entry in manifest["manifests"]:
            platform = entry.get("platform") or {}
            if (platform.get("os"), platform.get("architecture")) == ("linux", architecture):
                return self.manifest(entry["digest"], architecture)
        raise ValueError(f"image Manifest does not contain descriptor matching platform 'linux/{architecture}'")

    def blob(self, digest: str, path: pathlib.Path) -> None:
        """A layer or a configuration into a file."""
        hashed = hashlib.sha256()
        with self._get(f"blobs/{digest}") as answer, open(path, "wb") as file:
            while piece := answer.read(1024 * 1024):
                hashed.update(piece)
                file.write(piece)
        _verify(digest, hashed)


def _verify(digest: str, hashed: Any) -> None:
    if digest != "sha256:" + hashed.hexdigest():
        raise ValueError(f"what the registry sent is not {digest}")


def numeric_user(root: pathlib.Path, user: str) -> tuple[int, int]:
    """`name`, `name:group`, `uid`, `uid:gid` of an image's configuration, by the image's own passwd and group files."""
    name, _, group = user.partition(":")
    if not name:
        return 0, 0
    found = _lines(root / "etc/passwd")
    entry = next((line for line in found if name in (line[0], line[2])), None)
    if entry is None and not name.isdigit():
        raise CannotPull(f"CannotStartContainerError: unable to find user {name}: no matching entries in passwd file")
    uid, gid = (int(entry[2]), int(entry[3])) if entry else (int(name), 0)
    if group:
        known = next((line for line in _lines(root / "etc/group") if group in (line[0], line[2])), None)
        gid = int(known[2]) if known else int(group) if group.isdigit() else gid
    return uid, gid


def _lines(path: pathlib.Path) -> list[list[str]]:
    try:
        if os.path.islink(path):
            return []
        return [fields for line in path.read_text(errors="replace").splitlines() if len(fields := line.split(":")) >= 4]
    except OSError:
        return []
