"""A local AWS for the session, and for each test a machine with a home of its own in front of it."""

import http.client
import os
import subprocess

import pytest

import local_aws
from front import REGION, Front

STACK = f"""stack: shop
region: {REGION}
default_environment: dev
environments: {{ dev: {{ ephemeral: true }} }}
resources:
  logs: {{ type: logs.log_group, name: /shop/logs }}
"""


@pytest.fixture(scope="session")
def backend(tmp_path_factory):
    with local_aws.running(tmp_path_factory.mktemp("aws")) as port:
        yield port


class Machine:
    """A home folder, an environment with nothing of this machine's logins, and the program."""

    def __init__(self, folder, front):
        self.folder, self.front = folder, front
        self.home = folder / "home"
        (self.home / ".aws").mkdir(parents=True)
        (folder / "stack.yaml").write_text(STACK)
        self.environment = {
            "HOME": str(self.home), "PATH": os.environ["PATH"], "CIRCLES_STATE_DIR": str(folder / "state"),
            "CIRCLES_SETTLE_WINDOW": "300ms", "HTTPS_PROXY": front.url, "AWS_CA_BUNDLE": str(front.authority.bundle),
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def config(self, text, credentials=""):
        (self.home / ".aws/config").write_text(text)
        (self.home / ".aws/credentials").write_text(credentials)

    def start(self, *arguments, **environment):
        variables = {name: value for name, value in {**self.environment, **environment}.items() if value is not None}
        return subprocess.Popen(
            [os.environ["CIRCLES_BIN"] + "/circles-infra", "--stack", str(self.folder / "stack.yaml"), *arguments],
            cwd=self.folder, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, *arguments, code=0, **environment):
        process = self.start(*arguments, **environment)
        text, _ = process.communicate(timeout=300)
        assert process.returncode == code, text
        assert "not-a-secret" not in text
        return text


@pytest.fixture
def front(tmp_path, backend):
    connection = http.client.HTTPConnection("127.0.0.1", backend)
    connection.request("POST", "/_sandbox/reset")
    assert connection.getresponse().status == 200
    folder = tmp_path / "front"
    folder.mkdir()
    front = Front(folder, backend)
    yield front
    front.stop()


@pytest.fixture
def machine(tmp_path, front):
    return Machine(tmp_path, front)
