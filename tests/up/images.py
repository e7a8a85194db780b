"""Images of the service for the tests: the real one, packed from the build, and others made from it."""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import io

from machine import BIN, ROOT


def build(path):
    """The service's image from this very build, as `make image` makes it; the database's authority comes with the sandbox."""
    command = [sys.executable, str(ROOT / "app/image/build.py"), "--binary", str(BIN / "circles-app"), "--output", str(path),
               "--rds-ca", "none"]
    subprocess.run(command, check=True, env={**os.environ, "SOURCE_DATE_EPOCH": "0"}, capture_output=True)
    return path


def variant(source, path, change):
    """The same layers with another configuration: `change` gets it, and changes it."""
    with tarfile.open(source) as archive:
        files = {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}
    index = json.loads(files["index.json"])
    entry = index["manifests"][0]
    manifest = json.loads(files[_blob(entry["digest"])])
    config = json.loads(files[_blob(manifest["config"]["digest"])])
    change(config)
    manifest["config"] |= _add(files, config)
    entry |= _add(files, manifest)
    files["index.json"] = json.dumps(index).encode()
    saved = json.loads(files["manifest.json"])
    saved[0]["Config"] = _blob(manifest["config"]["digest"])
    files["manifest.json"] = json.dumps(saved).encode()
    with tarfile.open(path, "w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def commit(word):
    """A change: another commit, and so another image."""
    def change(config):
        config["config"].setdefault("Labels", {})["org.opencontainers.image.revision"] = word
    return change


def crashing(config):
    """A change: a command that the service does not know."""
    commit("crash1")(config)
    config["config"]["Cmd"] = ["no-such-verb"]


def _blob(digest):
    return "blobs/" + digest.replace(":", "/")


def _add(files, value):
    data = json.dumps(value).encode()
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    files[_blob(digest)] = data
    return {"digest": digest, "size": len(data)}
