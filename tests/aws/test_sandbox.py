"""The life of the stack as `make test-aws` runs it, whole, against the local AWS; and that it removes what it made, whatever happens."""

import hashlib
import io
import json
import os
import pathlib
import subprocess
import sys
import tarfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "loopback")]

import local_aws  # noqa: E402
from calls import Aws, Keys  # noqa: E402
from leftovers import scan  # noqa: E402
from role import stray_policies, test_roles  # noqa: E402

REGION = "us-east-1"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory):
    with local_aws.running(tmp_path_factory.mktemp("aws")) as port:
        yield f"http://127.0.0.1:{port}"


def blob(data):
    return f"blobs/sha256/{hashlib.sha256(data).hexdigest()}", data


def descriptor(media_type, data):
    return {"mediaType": media_type, "digest": f"sha256:{hashlib.sha256(data).hexdigest()}", "size": len(data)}


def tar_of(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def image(path):
    """An OCI archive with one layer, for linux/amd64."""
    layer = tar_of([("hello", b"hello")])
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/hello"]},
                         "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]}}).encode()
    oci = "application/vnd.oci.image"
    manifest = json.dumps({"schemaVersion": 2, "mediaType": f"{oci}.manifest.v1+json",
                           "config": descriptor(f"{oci}.config.v1+json", config),
                           "layers": [descriptor(f"{oci}.layer.v1.tar", layer)]}).encode()
    platform = {"architecture": "amd64", "os": "linux"}
    index = json.dumps({"schemaVersion": 2, "mediaType": f"{oci}.index.v1+json",
                        "manifests": [{**descriptor(f"{oci}.manifest.v1+json", manifest), "platform": platform}]}).encode()
    path.write_bytes(tar_of([("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), ("index.json", index), blob(layer), blob(config),
                             blob(manifest)]))
    return path


def live(endpoint, *arguments, **environment):
    variables = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "AWS_ACCESS_KEY_ID": "AKIDTEST", "CIRCLES_AWS_TEST": "yes",
                 "AWS_SECRET_ACCESS_KEY": "not-a-secret", "AWS_ENDPOINT_URL": endpoint, "CIRCLES_SETTLE_WINDOW": "300ms", **environment}
    binary = pathlib.Path(os.environ["CIRCLES_BIN"]) / "circles-infra"
    return subprocess.run([sys.executable, str(HERE / "live.py"), "--binary", str(binary), "--region", REGION, "--yes", *arguments],
                          env=variables, capture_output=True, text=True, timeout=1200)


def nothing_left(endpoint):
    aws = Aws(Keys("AKIDTEST", "not-a-secret"), REGION, endpoint)
    assert scan(aws) == {}
    assert test_roles(aws) == [] and stray_policies(aws) == []


def test_it_asks_first(endpoint):
    result = live(endpoint, CIRCLES_AWS_TEST="")
    assert result.returncode == 1 and "about 2 USD" in result.stderr
    nothing_left(endpoint)


def test_the_whole_life(endpoint, tmp_path):
    result = live(endpoint, "--report", str(tmp_path), "--image", str(image(tmp_path / "image.tar")))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "account 000000000000, region us-east-1" in result.stdout and "budget: about 2 USD" in result.stdout
    report = json.loads((tmp_path / "report.json").read_text())
    results = {phase["phase"]: phase["result"] for phase in report["phases"]}
    assert results.pop("verify") == "skipped"
    assert set(results.values()) == {"passed"}, results
    assert set(results) == {"policies", "apply", "second-plan", "deploy", "drift", "replacement", "kill", "rotate", "destroy", "leftovers"}
    made = {phase["phase"]: {resource["address"] for resource in phase["resources"]} for phase in report["phases"]}
    assert {"network/vpc", "media", "logs"} <= made["apply"]
    assert "logs" in made["drift"] and "logs" in made["replacement"]
    text = (tmp_path / "report.md").read_text()
    assert "| network/vpc | create |" in text and "not-a-secret" not in text and "000000000000" not in text
    nothing_left(endpoint)


def test_one_phase_alone(endpoint, tmp_path):
    result = live(endpoint, "--report", str(tmp_path), "--only", "second-plan")
    assert result.returncode == 0, result.stdout + result.stderr
    phases = [phase["phase"] for phase in json.loads((tmp_path / "report.json").read_text())["phases"]]
    assert phases == ["policies", "apply", "second-plan", "destroy", "leftovers"]
    nothing_left(endpoint)


def test_what_was_left_is_found_from_anywhere(endpoint, tmp_path):
    # A run that was killed before it could clean up: a stack of that name, made from another folder.
    stack = tmp_path / "stack.yaml"
    stack.write_text((HERE.parents[1] / "stacks/circles.yaml").read_text().replace("stack: circles\n", "stack: ct-0badf0\n"))
    binary = pathlib.Path(os.environ["CIRCLES_BIN"]) / "circles-infra"
    subprocess.run([str(binary), "--stack", str(stack), "apply", "--yes"], check=True, capture_output=True, cwd=tmp_path, env={
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_ENDPOINT_URL": endpoint, "CIRCLES_SETTLE_WINDOW": "300ms"})
    aws = Aws(Keys("AKIDTEST", "not-a-secret"), REGION, endpoint)
    assert set(scan(aws)) == {"ct-0badf0"}
    result = live(endpoint, "--clean")
    assert result.returncode == 0, result.stdout + result.stderr
    nothing_left(endpoint)
