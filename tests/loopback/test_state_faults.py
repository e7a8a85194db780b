"""A state in an S3 that is slow to answer, answers wrongly, or is away for a while: a whole apply, and a second plan that has nothing to do."""

import itertools
import threading
import urllib.parse

import pytest

from front import ACCOUNT, REGION

BUCKET = "shop-states"
GROUPS = 6

STACK = f"""stack: shop
region: {REGION}
state: {{ backend: s3, bucket: {BUCKET} }}
default_environment: dev
environments: {{ dev: {{ ephemeral: true }} }}
resources:
""" + "".join(f"  logs{number}: {{ type: logs.log_group, name: /shop/{number} }}\n" for number in range(GROUPS))

SLOW_DOWN = b"<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


def of_state(seen):
    return seen.path.startswith(f"/{BUCKET}")


def is_list(seen):
    return of_state(seen) and "list-type=2" in seen.path


@pytest.fixture
def stack(machine, front):
    (machine.folder / "stack.yaml").write_text(STACK)
    machine.environment = {
        **{name: value for name, value in machine.environment.items() if name not in ("HTTPS_PROXY", "AWS_CA_BUNDLE")},
        "AWS_ENDPOINT_URL": front.url, "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "not-a-secret", "CIRCLES_LEASE": "20s",
    }
    machine.run("state", "bootstrap")
    return machine


def life(machine):
    text = machine.run("apply", "--yes")
    assert f"{GROUPS} created" in text or "created" in text
    assert "Nothing to do" in (text := machine.run("plan")), text
    machine.run("history")


def lost(front):
    """Carried out, and the answer does not arrive."""
    def function(seen):
        front.forward(seen)
        return None, {}, b""
    return function


def every(count, function, only=of_state):
    """Each so many requests one is answered by `function`, from several threads."""
    counter, lock = itertools.count(1), threading.Lock()

    def chosen(seen):
        if not only(seen):
            return False
        with lock:
            return next(counter) % count == 0
    return chosen, function


@pytest.mark.parametrize("kind", ["503", "reset", "lost", "error in 200"])
def test_every_third_request_of_the_state_fails(kind, stack, front):
    answers = {
        "503": lambda _: (503, {"Content-Type": "application/xml"}, SLOW_DOWN),
        "reset": lambda _: (None, {}, b""),
        "lost": lost(front),
        "error in 200": lambda _: (200, {"Content-Type": "application/xml"}, SLOW_DOWN),
    }
    front.faults.append(every(3, answers[kind]))
    life(stack)


@pytest.mark.parametrize("empty", [False, True], ids=["short pages", "empty pages too"])
def test_lists_that_come_in_pieces(empty, stack, front):
    pages = []

    def page(seen):
        path, _, query = seen.path.partition("?")
        asked = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        token = asked.get("continuation-token", "")
        pages.append(token)
        if empty and not token.startswith("gap:"):
            body = (f"<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>{BUCKET}</Name><KeyCount>0</KeyCount>"
                    f"<MaxKeys>1000</MaxKeys><IsTruncated>true</IsTruncated>"
                    f"<NextContinuationToken>gap:{token}</NextContinuationToken></ListBucketResult>")
            return 200, {"Content-Type": "application/xml"}, body.encode()
        asked["continuation-token"] = token.removeprefix("gap:")
        if not asked["continuation-token"]:
            del asked["continuation-token"]
        asked["max-keys"] = "1"
        seen.path = f"{path}?{urllib.parse.urlencode(asked)}"
        return front.forward(seen)

    front.faults.append((is_list, page))
    life(stack)
    # Another machine begins with nothing but the bucket.
    assert "Nothing to do" in stack.run("plan", CIRCLES_STATE_DIR=str(stack.folder / "other"))
    assert any(pages), "no list was continued"


@pytest.mark.parametrize("answer", [(503, {}, SLOW_DOWN), (None, {}, b"")], ids=["503", "reset"])
def test_the_bucket_is_away_in_the_middle_of_a_run(answer, stack, front):
    """For longer than the attempts of one write took before: 12 s of a lease of 20 s."""
    begun = threading.Event()
    front.faults.append((lambda seen: seen.action == "CreateLogGroup", lambda _: begun.set()))
    front.fail(lambda seen: of_state(seen) and begun.is_set(), answer, seconds=12)
    life(stack)
    assert begun.is_set()


def test_the_owner_of_the_bucket_is_part_of_every_call(stack, front):
    life(stack)
    calls = [seen for seen in front.requests if of_state(seen) and "lock.json" in seen.path or is_list(seen)]
    assert calls and all(seen.headers["x-amz-expected-bucket-owner"] == ACCOUNT for seen in calls)
    other = STACK.replace(f"bucket: {BUCKET}", f'bucket: {BUCKET}, account: "111122223333"')
    (stack.folder / "stack.yaml").write_text(other)
    text = stack.run("plan", code=1)
    assert "has to belong to account 111122223333" in text


def test_bootstrap_clears_delete_markers_and_renews_its_own_former_rules(stack, front, backend):
    import boto3
    from botocore.config import Config
    s3 = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{backend}", region_name=REGION, aws_access_key_id="x",
                      aws_secret_access_key="x", config=Config(s3={"addressing_style": "path"}))

    def rules():
        return s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]

    (rule,) = rules()
    assert rule["Expiration"] == {"ExpiredObjectDeleteMarker": True}
    former = {name: value for name, value in rule.items() if name != "Expiration"}
    s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": [former]})
    stack.run("state", "bootstrap")
    assert rules()[0]["Expiration"] == {"ExpiredObjectDeleteMarker": True}
    # Somebody's own rules stay.
    own = {**former, "ID": "mine", "NoncurrentVersionExpiration": {"NoncurrentDays": 5}}
    s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": [own]})
    assert "lifecycle" in stack.run("state", "bootstrap")
    assert rules()[0]["ID"] == "mine"
