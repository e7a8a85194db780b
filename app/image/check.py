#!/usr/bin/env python3
"""Unpacks an image archive and runs it as a container would: its own root folder, its own libraries, its user, its entry point.

    app/tests/with-postgres.sh app/image/check.py circles-app.tar

Needs root or user namespaces for the root folder; without either the program runs with the unpacked loader and libraries.
"""

import gzip
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

SECRET = "for-this-check-only-for-this-check-only"
STOPS_WITHIN = 30


def main():
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        root.mkdir()
        # The service's user has to get through.
        os.chmod(folder, 0o755)
        config = unpack(Path(sys.argv[1]), root)
        settled(config, root)
        runs(config, root)
    print(f"{sys.argv[1]}: unpacked, migrated, served and stopped")


def unpack(archive, root):
    """Follows the layout's digests down to the files, checking each; returns the image's configuration."""
    with tarfile.open(archive) as layout:
        def read(name):
            return layout.extractfile(name).read()

        def blob(descriptor):
            data = read("blobs/" + descriptor["digest"].replace(":", "/"))
            assert len(data) == descriptor["size"], descriptor
            assert "sha256:" + hashlib.sha256(data).hexdigest() == descriptor["digest"], descriptor
            return data

        assert json.loads(read("oci-layout")) == {"imageLayoutVersion": "1.0.0"}
        (listed,) = json.loads(read("index.json"))["manifests"]
        manifest = json.loads(blob(listed))
        config = json.loads(blob(manifest["config"]))
        (loaded,) = json.loads(read("manifest.json"))
        assert loaded["Config"].endswith(manifest["config"]["digest"][7:]), loaded
        assert [path.rpartition("/")[2] for path in loaded["Layers"]] == [d["digest"][7:] for d in manifest["layers"]]
        for descriptor, diff_id in zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True):
            data = gzip.decompress(blob(descriptor))
            assert "sha256:" + hashlib.sha256(data).hexdigest() == diff_id
            layer = root.with_name("layer.tar")
            layer.write_bytes(data)
            with tarfile.open(layer) as files:
                files.extractall(root, filter="fully_trusted")
    return config


def settled(config, root):
    assert (config["os"], config["architecture"]) == ("linux", "amd64")
    run = config["config"]
    assert run["ExposedPorts"] == {"8000/tcp": {}}, run
    assert run["Cmd"] == ["serve"], run
    assert int(run["User"].split(":")[0]) > 0, "runs as root"
    for path in root.rglob("*"):
        mode = path.lstat().st_mode
        assert not mode & 0o6000, f"{path} is setuid"
        assert not mode & 0o022 or path == root / "tmp", f"{path} can be written by others"
    for variable in run["Env"]:
        name, _, value = variable.partition("=")
        if name == "PGSSLROOTCERT":
            text = (root / value.lstrip("/")).read_text()
            assert text.count("BEGIN CERTIFICATE") > 0, value
    assert (root / "etc/ssl/certs/ca-certificates.crt").read_text().count("BEGIN CERTIFICATE") > 50


def command(config, root, words):
    """`words` after the entry point, inside the unpacked root, as the image's user."""
    run = config["config"]
    (entry,) = run["Entrypoint"]
    inside = next(f"/{folder.lstrip('/')}/{entry}" for folder in path_of(run) if (root / folder.lstrip("/") / entry).exists())
    if os.getuid() == 0:
        return ["chroot", f"--userspec={run['User']}", root, inside, *words]
    if subprocess.run(["unshare", "--user", "--map-root-user", "true"], capture_output=True, check=False).returncode == 0:
        return ["unshare", "--user", "--map-root-user", "chroot", root, inside, *words]
    loader = root / "lib64/ld-linux-x86-64.so.2"
    return [loader, "--library-path", root / "lib/x86_64-linux-gnu", str(root) + inside, *words]


def path_of(run):
    (value,) = [v.removeprefix("PATH=") for v in run["Env"] if v.startswith("PATH=")]
    return value.split(":")


def runs(config, root):
    # A container's runtime writes this file; names are resolved with the image's own libraries.
    (root / "etc/hosts").write_text("127.0.0.1 localhost database.internal\n")
    port = free_port()
    env = dict(v.split("=", 1) for v in config["config"]["Env"]) | {
        "APP_PORT": str(port),
        "APP_DATABASE_URL": os.environ["CIRCLES_TEST_DATABASE_URL"].replace("127.0.0.1", "database.internal"),
        "APP_JWT_SECRET_KEY": SECRET,
        "APP_OTP_SECRET_KEY": SECRET,
        "APP_STORAGE_BACKEND": "local",
        "APP_LOCAL_FOLDER": "/tmp/media",
        "APP_USE_POSTGIS": "true",
        # The text messages' client wants a region; nothing is sent.
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "RUST_LOG": "error",
    }
    as_task(config, root, env, ["migrate"])
    service = subprocess.Popen(command(config, root, config["config"]["Cmd"]), env=env)
    try:
        answers(service, port, config)
        as_task(config, root, env, config["config"]["Healthcheck"]["Test"][2:])
        service.send_signal(getattr(signal, config["config"]["StopSignal"]))
        assert service.wait(STOPS_WITHIN) == 0, f"ended with {service.returncode}"
    finally:
        if service.poll() is None:
            service.kill()
            service.wait()


def as_task(config, root, env, words):
    """A task of its own that runs to its end, as `migrate` before a roll."""
    done = subprocess.run(command(config, root, words), env=env, timeout=120, check=False)
    assert done.returncode == 0, f"{words} ended with {done.returncode}"


def answers(service, port, config):
    until = time.monotonic() + 60
    while (ready := get(port, "/readyz"))[0] != 200:
        assert service.poll() is None, f"the service ended with {service.returncode}"
        assert time.monotonic() < until, f"not ready after a minute: {ready}"
        time.sleep(0.1)
    for path in ("/health", "/docs", "/openapi.json", "/places/nearby?lat=24.7&lng=46.7"):
        assert get(port, path)[0] == 200, path
    if os.getuid() == 0:
        status = Path(f"/proc/{service.pid}/status").read_text()
        (uids,) = [line.split()[1:] for line in status.splitlines() if line.startswith("Uid:")]
        assert set(uids) == {config["config"]["User"].split(":")[0]}, uids


def get(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read()[:200]
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()[:200]
    except OSError:
        return None, b""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    main()
