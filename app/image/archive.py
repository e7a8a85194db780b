"""An OCI image layout in a tar file (OCI image specification 1.1), the same bytes for the same contents."""

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import PurePosixPath

CONFIG = "application/vnd.oci.image.config.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
SEARCH_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def layer(files, created):
    """A layer of `files` (absolute path -> contents, mode): root's, so the service cannot write them; folders before what is in them."""
    entries = {path.lstrip("/"): entry for path, entry in files.items()}
    for path in list(entries):
        for folder in PurePosixPath(path).parents:
            if str(folder) != ".":
                entries[str(folder)] = (None, 0o755)
    entries["tmp"] = (None, 0o1777)
    return tar(entries, created)


def write(output, tag, unpacked, settings, created):
    """Writes the archive whole or not at all; returns the manifest's digest."""
    # Without a name and with a fixed time the compressed bytes depend on the contents alone.
    packed = gzip.compress(unpacked, compresslevel=9, mtime=0)
    config = encode(image_config(settings, unpacked, created))
    manifest = encode({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(CONFIG, config),
        "layers": [descriptor(LAYER, packed)],
    })
    listed = descriptor(MANIFEST, manifest) | {
        "platform": {"architecture": "amd64", "os": "linux"},
        "annotations": {"io.containerd.image.name": tag, "org.opencontainers.image.ref.name": tag.rpartition(":")[2]},
    }
    entries = {
        "oci-layout": encode({"imageLayoutVersion": "1.0.0"}),
        "index.json": encode({"schemaVersion": 2, "mediaType": INDEX, "manifests": [listed]}),
        # What `docker load` of versions before 25 reads.
        "manifest.json": encode([{"Config": blob(config), "RepoTags": [tag], "Layers": [blob(packed)]}]),
    }
    entries |= {blob(data): data for data in (config, packed, manifest)}
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(output.name + ".partial")
    partial.write_bytes(tar({name: (data, 0o644) for name, data in entries.items()}, created))
    partial.replace(output)
    return digest(manifest)


def image_config(settings, unpacked, created):
    when = created.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "created": when,
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "User": settings["user"],
            "ExposedPorts": {f"{settings['expose']}/tcp": {}},
            "Env": [SEARCH_PATH, *settings["env"]],
            "Entrypoint": settings["entrypoint"],
            "Cmd": settings["cmd"],
            "WorkingDir": "/",
            "StopSignal": settings["stopsignal"],
            "Healthcheck": settings["healthcheck"],
        },
        "rootfs": {"type": "layers", "diff_ids": [digest(unpacked)]},
        "history": [{"created": when, "created_by": "app/image/build.py"}],
    }


def tar(entries, created):
    """Entries are path -> (contents, mode); contents of None make a folder."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as out:
        for path in sorted(entries):
            data, mode = entries[path]
            entry = tarfile.TarInfo(path)
            entry.mtime, entry.mode = int(created.timestamp()), mode
            if data is None:
                entry.type = tarfile.DIRTYPE
                out.addfile(entry)
            else:
                entry.size = len(data)
                out.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def encode(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def blob(data):
    """Where a layout keeps `data`."""
    return "blobs/sha256/" + digest(data).removeprefix("sha256:")


def descriptor(media_type, data):
    return {"mediaType": media_type, "digest": digest(data), "size": len(data)}
