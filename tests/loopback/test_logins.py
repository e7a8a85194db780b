"""Every way to log in that an AWS client has, each against a stand-in of its endpoint under the real host name."""

import hashlib
import json
import os
import stat
import time

import pytest

from front import ACCOUNT, REGION, as_json, assumed, later, sts_error

STS = f"sts.{REGION}.amazonaws.com"
LOGS = f"logs.{REGION}.amazonaws.com"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/deploy"
KEYS = "aws_access_key_id = {0}\naws_secret_access_key = not-a-secret\n"


def signed_with(front):
    """The access keys that signed calls to CloudWatch Logs."""
    return {seen.key for seen in front.of(LOGS)}


def assume(front, key, operation="AssumeRole", seconds=3600):
    front.routes.append((lambda seen: seen.host == STS and seen.action == operation,
                         lambda _: assumed(key, seconds, operation)))


def planned(front, machine, key, *arguments, **environment):
    text = machine.run("plan", *arguments, **environment)
    assert "/shop/logs" in text
    assert signed_with(front) == {key}
    return text


@pytest.mark.parametrize("by", ["option", "environment"])
class TestProfiles:
    """By --profile and by AWS_PROFILE alike."""

    def plan(self, by, front, machine, key, name, **environment):
        if by == "option":
            return planned(front, machine, key, "--profile", name, **environment)
        return planned(front, machine, key, AWS_PROFILE=name, **environment)

    def test_keys(self, by, front, machine):
        machine.config("[profile work]\nregion = us-west-2\n", "[work]\n" + KEYS.format("AKIDWORK"))
        self.plan(by, front, machine, "AKIDWORK", "work")

    def test_a_role_on_top_of_keys(self, by, front, machine):
        machine.config(f"[profile base]\n[profile deploy]\nrole_arn = {ROLE}\nsource_profile = base\nexternal_id = x1\n",
                       "[base]\n" + KEYS.format("AKIDBASE"))
        assume(front, "ASIADEPLOY")
        self.plan(by, front, machine, "ASIADEPLOY", "deploy")
        assert [seen.key for seen in front.of(STS, "AssumeRole")] == ["AKIDBASE"]
        assert front.of(STS, "AssumeRole")[0].form["ExternalId"] == "x1"

    def test_a_chain_of_roles(self, by, front, machine):
        machine.config(
            f"[profile base]\n[profile hub]\nrole_arn = {ROLE}-hub\nsource_profile = base\n"
            f"[profile deploy]\nrole_arn = {ROLE}\nsource_profile = hub\n", "[base]\n" + KEYS.format("AKIDBASE"))
        front.routes.append((lambda seen: seen.action == "AssumeRole",
                             lambda seen: assumed("ASIAHUB" if seen.form["RoleArn"].endswith("-hub") else "ASIADEPLOY")))
        self.plan(by, front, machine, "ASIADEPLOY", "deploy")
        assert [seen.key for seen in front.of(STS, "AssumeRole")] == ["AKIDBASE", "ASIAHUB"]

    def test_web_identity(self, by, front, machine):
        token = machine.folder / "token"
        token.write_text("a.web.token")
        machine.config(f"[profile web]\nrole_arn = {ROLE}\nweb_identity_token_file = {token}\n")
        assume(front, "ASIAWEB", "AssumeRoleWithWebIdentity")
        self.plan(by, front, machine, "ASIAWEB", "web")
        assert front.of(STS, "AssumeRoleWithWebIdentity")[0].form["WebIdentityToken"] == "a.web.token"

    def test_a_process(self, by, front, machine):
        script = machine.folder / "login.sh"
        answer = {"Version": 1, "AccessKeyId": "AKIDPROCESS", "SecretAccessKey": "not-a-secret", "SessionToken": "t",
                  "Expiration": later(3600)}
        script.write_text(f"#!/bin/sh\necho '{json.dumps(answer)}'\n")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        machine.config(f"[profile process]\ncredential_process = {script}\n")
        self.plan(by, front, machine, "AKIDPROCESS", "process")

    def test_single_sign_on(self, by, front, machine):
        sso_profile(front, machine)
        self.plan(by, front, machine, "ASIASSO", "sso")

    def test_a_role_on_top_of_single_sign_on(self, by, front, machine):
        sso_profile(front, machine, f"[profile deploy]\nrole_arn = {ROLE}\nsource_profile = sso\n")
        assume(front, "ASIADEPLOY")
        self.plan(by, front, machine, "ASIADEPLOY", "deploy")
        assert [seen.key for seen in front.of(STS, "AssumeRole")] == ["ASIASSO"]

    def test_a_bundle_of_the_profile(self, by, front, machine):
        bundle = machine.environment.pop("AWS_CA_BUNDLE")
        machine.config(f"[profile work]\nca_bundle = {bundle}\n", "[work]\n" + KEYS.format("AKIDWORK"))
        self.plan(by, front, machine, "AKIDWORK", "work")


def sso_profile(front, machine, more=""):
    machine.config(
        f"[sso-session corp]\nsso_region = {REGION}\nsso_start_url = https://corp.awsapps.com/start\n"
        f"[profile sso]\nsso_session = corp\nsso_account_id = {ACCOUNT}\nsso_role_name = Admin\n{more}")
    cache = machine.home / ".aws/sso/cache"
    cache.mkdir(parents=True)
    token = {"accessToken": "not-a-secret", "expiresAt": later(3600), "region": REGION, "startUrl": "https://corp.awsapps.com/start"}
    (cache / f"{hashlib.sha1(b'corp').hexdigest()}.json").write_text(json.dumps(token))
    role = {"accessKeyId": "ASIASSO", "secretAccessKey": "not-a-secret", "sessionToken": "t",
            "expiration": 1000 * (int(time.time()) + 3600)}
    front.route(f"portal.sso.{REGION}.amazonaws.com", "/federation/credentials", lambda _: as_json({"roleCredentials": role}))


def test_keys_in_the_environment(front, machine):
    planned(front, machine, "AKIDENV", AWS_ACCESS_KEY_ID="AKIDENV", AWS_SECRET_ACCESS_KEY="not-a-secret")
    # The proxy was used, and the region's own hosts were asked.
    assert set(front.connects) >= {STS, LOGS}


def test_a_role_of_the_stack_file_on_top_of_a_role(front, machine):
    stack = machine.folder / "stack.yaml"
    stack.write_text(stack.read_text().replace("default_environment:", f"assume_role: {ROLE}-stack\ndefault_environment:"))
    machine.config(f"[profile base]\n[profile hub]\nrole_arn = {ROLE}-hub\nsource_profile = base\n", "[base]\n" + KEYS.format("AKIDBASE"))
    front.routes.append((lambda seen: seen.action == "AssumeRole",
                         lambda seen: assumed("ASIAHUB" if seen.form["RoleArn"].endswith("-hub") else "ASIASTACK")))
    front.fail(lambda seen: seen.action == "AssumeRole" and seen.key == "ASIAHUB", sts_error("ServiceUnavailable", 503), times=4)
    planned(front, machine, "ASIASTACK", "--profile", "hub")
    # Its own endpoint was busy; the role below it was not assumed once more for that.
    assert [seen.key for seen in front.of(STS, "AssumeRole")] == ["AKIDBASE"] + 5 * ["ASIAHUB"]


def test_web_identity_in_the_environment(front, machine):
    token = machine.folder / "token"
    token.write_text("a.web.token")
    assume(front, "ASIAWEB", "AssumeRoleWithWebIdentity")
    planned(front, machine, "ASIAWEB", AWS_ROLE_ARN=ROLE, AWS_WEB_IDENTITY_TOKEN_FILE=str(token))


def test_container_credentials(front, machine):
    given = {"AccessKeyId": "ASIATASK", "SecretAccessKey": "not-a-secret", "Token": "t", "Expiration": later(3600)}
    front.route("loopback", "/task", lambda _: as_json(given))
    planned(front, machine, "ASIATASK", AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{front.url}/task")


def metadata(front, seconds=3600):
    given = {"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "ASIAINSTANCE", "SecretAccessKey": "not-a-secret", "Token": "t",
             "Expiration": later(seconds), "LastUpdated": later(0)}
    front.route("loopback", "/latest/api/token", lambda _: (200, {"x-aws-ec2-metadata-token-ttl-seconds": "21600"}, b"token"))
    front.route("loopback", "/latest/meta-data/iam/security-credentials/app", lambda _: as_json(given))
    front.route("loopback", "/latest/meta-data/iam/security-credentials/", lambda _: (200, {}, b"app"))
    return {"AWS_EC2_METADATA_DISABLED": None, "AWS_EC2_METADATA_SERVICE_ENDPOINT": front.url}


def test_instance_metadata(front, machine):
    planned(front, machine, "ASIAINSTANCE", **metadata(front))


def test_a_proxy_can_be_left_aside(front, machine):
    # Without the proxy the name leads to the real host, which the bundle does not vouch for, or nowhere.
    text = machine.run("plan", code=1, NO_PROXY="amazonaws.com", AWS_ACCESS_KEY_ID="AKID", AWS_SECRET_ACCESS_KEY="not-a-secret")
    assert front.connects == [], text


@pytest.mark.parametrize("how", ["missing", "not the right one"])
def test_a_bundle_that_does_not_help_is_named(how, front, machine):
    bundle = machine.folder / "other.pem"
    if how == "not the right one":
        from front import Authority
        folder = machine.folder / "other"
        folder.mkdir()
        bundle = Authority(folder).bundle
    text = machine.run("plan", code=1, AWS_CA_BUNDLE=str(bundle), AWS_ACCESS_KEY_ID="AKID", AWS_SECRET_ACCESS_KEY="not-a-secret")
    assert (str(bundle) if how == "missing" else "certificate") in text
    assert front.requests == []


def test_every_call_says_who_makes_it(front, machine):
    machine.config(f"[profile base]\n[profile deploy]\nrole_arn = {ROLE}\nsource_profile = base\n", "[base]\n" + KEYS.format("AKIDBASE"))
    assume(front, "ASIADEPLOY")
    machine.run("apply", "--yes", "--profile", "deploy")
    runs = set()
    for seen in front.requests:
        agent = seen.headers["x-amz-user-agent"] or seen.headers["user-agent"]
        if seen.action == "AssumeRole":
            continue
        words = dict(word.split("/", 1) for word in agent.split() if "/" in word and not word.startswith("lib/"))
        libraries = [word for word in agent.split() if word.startswith("lib/")]
        assert words["app"] == "circles-infra", agent
        assert libraries[0].startswith("lib/circles-infra/"), agent
        runs.update(libraries[1:])
    (run,) = runs
    assert run.startswith("lib/run/")
    # History leads to CloudTrail and back.
    assert run.removeprefix("lib/run/") in machine.run("history", "--json", "--profile", "deploy")


class TestOutages:
    """A credential endpoint that is away for a while."""

    def env_web(self, machine):
        token = machine.folder / "token"
        token.write_text("a.web.token")
        return {"AWS_ROLE_ARN": ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE": str(token)}

    @pytest.mark.parametrize("answer", [sts_error("ServiceUnavailable", 503), sts_error("Throttling", 400), (None, {}, b"")],
                             ids=["503", "throttled", "reset"])
    def test_the_first_login_is_repeated(self, answer, front, machine):
        assume(front, "ASIAWEB", "AssumeRoleWithWebIdentity")
        front.fail(lambda seen: seen.action == "AssumeRoleWithWebIdentity", answer, times=2)
        planned(front, machine, "ASIAWEB", **self.env_web(machine))

    @pytest.mark.parametrize("answer", [sts_error("ServiceUnavailable", 503), (None, {}, b"")], ids=["503", "reset"])
    def test_a_renewal_in_the_middle_of_a_run(self, answer, front, machine):
        """The first credentials last seconds; then nobody gives new ones for longer than one call waits."""
        seconds = int(os.environ.get("CIRCLES_TEST_OUTAGE", "25"))
        lifetimes = iter([1])
        front.routes.append((lambda seen: seen.action == "AssumeRoleWithWebIdentity",
                             lambda _: assumed("ASIAWEB", next(lifetimes, 3600), "AssumeRoleWithWebIdentity")))
        given = []
        front.fail(lambda seen: seen.action == "AssumeRoleWithWebIdentity" and (given.append(1) or len(given) > 1), answer,
                   seconds=seconds)
        text = machine.run("apply", "--yes", **self.env_web(machine))
        assert "created" in text
        machine.run("plan", **self.env_web(machine))

    def test_an_endpoint_that_stays_away_is_named_and_is_no_missing_login(self, front, machine):
        text = machine.run("plan", code=1, **{**self.env_web(machine), "HTTPS_PROXY": "http://127.0.0.1:9"})
        assert "the credentials cannot be loaded at present" in text
        assert "no AWS credentials" not in text

    def test_a_login_that_is_refused_ends_at_once(self, front, machine):
        front.fail(lambda seen: seen.action == "AssumeRoleWithWebIdentity", sts_error("ExpiredTokenException", 400), times=99)
        machine.run("plan", code=1, **self.env_web(machine))
        assert len(front.of(STS)) == 1

    def test_metadata_that_is_busy(self, front, machine):
        environment = metadata(front)
        front.fail(lambda seen: "security-credentials/app" in seen.path, (503, {}, b""), times=2)
        planned(front, machine, "ASIAINSTANCE", **environment)
