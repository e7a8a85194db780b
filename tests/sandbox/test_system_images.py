"""Tasks of an image: pulled from the sandbox's registry, unpacked, and run in a root of its own."""

import gzip
import io
import json
import pathlib
import subprocess
import sys
import tarfile

import pytest

from conftest import PLAIN, SOURCE, Network
from test_registry import MANIFEST, Registry
from running_system import Running, begun, until, world  # noqa: F401  (fixtures)

pytestmark = [pytest.mark.skipif(PLAIN, reason="plain moto runs nothing"),
              pytest.mark.skipif(sys.platform != "linux", reason="images hold programs for Linux")]


def layer(*entries):
    """A layer of (name, content or link, mode); a tuple as content is a link."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, content, mode in entries:
            member = tarfile.TarInfo(name)
            member.mode = mode
            if isinstance(content, tuple):
                member.type, member.linkname = tarfile.SYMTYPE, content[0]
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return gzip.compress(data.getvalue())


def shell():
    """This machine's shell and cat with their libraries, for an image that can run."""
    files = {pathlib.Path("/bin/sh"), pathlib.Path("/bin/cat")}
    for program in list(files):
        for word in subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout.split():
            if word.startswith("/"):
                files.add(pathlib.Path(word))
    return [(str(path).lstrip("/"), path.read_bytes(), 0o755) for path in sorted(files)]


def push(registry, tag, config, *layers, architecture="amd64"):
    pushed = [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", **registry.blob(data)} for data in layers]
    configuration = {"mediaType": "application/vnd.oci.image.config.v1+json", **registry.blob(json.dumps(
        {"os": "linux", "architecture": architecture, "config": config}).encode())}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": configuration, "layers": pushed}
    answer = registry.manifest(json.dumps(manifest).encode(), tag)
    assert answer.status_code == 201, answer.text


@pytest.fixture
def images(world, begun):  # noqa: F811
    aws, _ = world
    stack = Running(aws, Network(aws))
    stack.registry, stack.system = Registry(aws), begun()
    return stack


def run(stack, **container):
    """A task on its own, once it has stopped."""
    base = {"name": "app", "image": f"{stack.account}.dkr.ecr.us-east-1.amazonaws.com/app:v1",
            "logConfiguration": {"logDriver": "awslogs", "options": {
                "awslogs-group": "/ecs/app", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "app"}}}
    definition = stack.define(containerDefinitions=[{**base, **container}])
    arn = stack.aws.ecs.run_task(
        cluster="main", taskDefinition=definition, launchType="FARGATE", networkConfiguration={"awsvpcConfiguration": {
            "subnets": stack.network.subnets, "assignPublicIp": "ENABLED"}})["tasks"][0]["taskArn"]

    def stopped():
        task = stack.aws.ecs.describe_tasks(cluster="main", tasks=[arn])["tasks"][0]
        return task["lastStatus"] == "STOPPED" and task

    return until(stopped, 60)


def test_an_image_runs_by_its_configuration_in_its_own_root(images):
    upper = layer(("etc/.wh.gone", b"", 0o644), ("etc/kept", b"from the upper layer", 0o644))
    lower = layer(*shell(), ("etc/gone", b"", 0o644), ("etc/kept", b"below", 0o644),
                  ("etc/passwd", b"root:x:0:0::/:/bin/sh\napp:x:4321:4321::/:/bin/sh\n", 0o644))
    push(images.registry, "v1", {
        # A bare name is looked for in the image's PATH.
        "Entrypoint": ["sh", "-c"], "Env": ["FROM_IMAGE=yes", "PATH=/nowhere:/bin"], "User": "app",
        "Cmd": ["echo $FROM_IMAGE; cat /etc/kept; echo; test -e /etc/gone || echo gone; test -e /home || echo no home; exit 7"],
    }, lower, upper)
    task = run(images)
    assert task["containers"][0]["exitCode"] == 7 and task["stopCode"] == "EssentialContainerExited"
    until(lambda: {"yes", "from the upper layer", "gone", "no home"} <= images.logged())


def test_a_task_definition_overrides_the_image(images):
    push(images.registry, "v1", {"Entrypoint": ["/bin/false"], "Cmd": ["x"]}, layer(*shell()))
    task = run(images, entryPoint=["/bin/sh", "-c"], command=["exit 4"])
    assert task["containers"][0]["exitCode"] == 4


def test_what_cannot_be_run_says_why(images):
    push(images.registry, "v1", {"Entrypoint": ["/no/such/program"]}, layer(*shell()))
    assert run(images)["containers"][0]["exitCode"] == 127
    until(lambda: any("exec /no/such/program: no such file" in line for line in images.logged()))
    push(images.registry, "v1", {"Entrypoint": ["/app"]}, layer(*shell(), ("app", b"\x7fELF" + b"\0" * 200, 0o755)))
    assert run(images)["containers"][0]["exitCode"] == 126
    until(lambda: any("exec /app: exec format error" in line for line in images.logged()))
    push(images.registry, "v1", {"Entrypoint": ["/bin/sh"], "User": "nobody-here"}, layer(*shell()))
    task = run(images)
    assert task["stopCode"] == "TaskFailedToStart" and "unable to find user nobody-here" in task["stoppedReason"]
    push(images.registry, "v1", {"Entrypoint": ["/bin/sh"]}, b"not a layer")
    assert "CannotPullContainerError" in run(images)["stoppedReason"]


def test_no_layer_writes_outside_of_its_root(tmp_path):
    sys.path.insert(0, str(SOURCE))
    from system.unpack import unpack

    root, archive = tmp_path / "root", tmp_path / "layer"
    root.mkdir()
    archive.write_bytes(layer(
        ("up", ("..",), 0o777), ("up/escaped", b"1", 0o644), ("../../escaped", b"2", 0o644),
        ("absolute", (str(tmp_path),), 0o777), ("absolute/escaped", b"3", 0o644), ("/escaped", b"4", 0o644)))
    unpack(archive, root)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["layer", "root"]
    assert (root / "escaped").read_bytes() == b"4"
    archive.write_bytes(layer(("a", ("b",), 0o777), ("b", ("a",), 0o777), ("a/x", b"", 0o644)))
    with pytest.raises(ValueError, match="circle"):
        unpack(archive, root)


def test_without_leave_to_change_the_root_the_images_own_loader_is_used(tmp_path):
    root, archive = tmp_path / "root", tmp_path / "layer"
    sys.path.insert(0, str(SOURCE))
    from system.unpack import unpack

    root.mkdir()
    archive.write_bytes(layer(*shell()))
    unpack(archive, root)
    script = "import runpy, sys; runpy.run_path(sys.argv[1])['with_own_loader'](sys.argv[2], '/', sys.argv[3:])"
    done = subprocess.run([sys.executable, "-c", script, str(SOURCE / "system/enter.py"), str(root), "/bin/sh", "-c",
                           "exit 6"], check=False)
    assert done.returncode == 6
