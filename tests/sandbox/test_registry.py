"""ECR's data plane: pushing and pulling by the OCI distribution protocol, and what ECR's API says of it."""

import base64
import hashlib
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from conftest import code
from test_services import Stack

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Registry:
    """A client of the distribution protocol that trusts the answers' locations, as the specification asks."""

    def __init__(self, aws, name="app"):
        data = aws.ecr.get_authorization_token()["authorizationData"][0]
        self.base, self.name = data["proxyEndpoint"], name
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = tuple(base64.b64decode(data["authorizationToken"]).decode().split(":"))

    def call(self, method, path, **more):
        url = path if path.startswith("http") else f"{self.base}/v2/{self.name}/{path}"
        return self.session.request(method, url, timeout=20, **more)

    def blob(self, data, chunk=None):
        """Push a blob in one PUT, or in PATCHes of `chunk` bytes."""
        where = self.call("POST", "blobs/uploads/").headers["Location"]
        if chunk:
            for start in range(0, len(data), chunk):
                piece = data[start:start + chunk]
                answer = self.call("PATCH", where, data=piece, headers={
                    "Content-Range": f"{start}-{start + len(piece) - 1}", "Content-Type": "application/octet-stream"})
                assert answer.status_code == 201
                assert answer.headers["Range"] == f"0-{min(chunk, len(data)) - 1}"
                where = answer.headers["Location"]
            data_left = b""
        else:
            data_left = data
        answer = self.call("PUT", where, params={"digest": digest_of(data)}, data=data_left)
        assert answer.status_code == 201, answer.text
        return {"digest": digest_of(data), "size": len(data)}

    def image(self, tag, text="hello", architecture="amd64"):
        """Push a small image; its digest."""
        config = json.dumps({"os": "linux", "architecture": architecture, "config": {"Cmd": [text]}}).encode()
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **self.blob(config)},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", **self.blob(text.encode() * 100)}],
        }).encode()
        answer = self.manifest(manifest, tag or digest_of(manifest))
        assert answer.status_code == 201, answer.text
        return answer.headers["Docker-Content-Digest"]

    def manifest(self, text, reference, kind=MANIFEST):
        return self.call("PUT", f"manifests/{reference}", data=text, headers={"Content-Type": kind})


def error(answer):
    return answer.status_code, answer.json()["errors"][0]["code"]


@pytest.fixture
def registry(aws):
    aws.ecr.create_repository(repositoryName="app")
    return Registry(aws)


def test_an_image_that_is_pushed_is_an_image_in_ecr(aws, registry):
    digest = registry.image("v1")
    found = aws.ecr.describe_images(repositoryName="app")["imageDetails"]
    assert [(image["imageDigest"], image["imageTags"], image["imageSizeInBytes"]) for image in found] == [
        (digest, ["v1"], 500)]
    assert found[0]["imageManifestMediaType"] == MANIFEST
    stored = aws.ecr.batch_get_image(repositoryName="app", imageIds=[{"imageTag": "v1"}])["images"][0]
    assert digest_of(stored["imageManifest"].encode()) == digest


def test_it_can_be_pulled_by_tag_and_digest(registry):
    digest = registry.image("v1")
    pulled = registry.call("GET", "manifests/v1")
    assert pulled.headers["Docker-Content-Digest"] == digest and pulled.headers["Content-Type"] == MANIFEST
    assert registry.call("GET", f"manifests/{digest}").content == pulled.content
    head = registry.call("HEAD", f"manifests/{digest}")
    assert (head.status_code, int(head.headers["Content-Length"])) == (200, len(pulled.content))
    layer = pulled.json()["layers"][0]
    assert registry.call("GET", f"blobs/{layer['digest']}").content == b"hello" * 100
    part = registry.call("GET", f"blobs/{layer['digest']}", headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.content, part.headers["Content-Range"]) == (206, b"hello", "bytes 5-9/500")
    assert registry.call("HEAD", f"blobs/{layer['digest']}").headers["Content-Length"] == "500"
    assert registry.call("HEAD", f"blobs/sha256:{'0' * 64}").status_code == 404
    assert error(registry.call("GET", "manifests/v2")) == (404, "MANIFEST_UNKNOWN")
    assert registry.call("GET", "tags/list").json() == {"name": "app", "tags": ["v1"]}


def test_what_the_api_puts_can_be_pulled(aws, registry):
    registry.image("v1")
    manifest = registry.call("GET", "manifests/v1").text
    aws.ecr.put_image(repositoryName="app", imageManifest=manifest, imageTag="v2")
    assert registry.call("GET", "manifests/v2").text == manifest
    assert registry.call("GET", "tags/list").json()["tags"] == ["v1", "v2"]


MIB = 1024 * 1024


def test_what_later_chunks_carry_is_dropped(aws, registry):
    data = bytes(range(256)) * 4 * 1024 * 11
    where = registry.call("POST", "blobs/uploads/").headers["Location"]
    for start in (0, 5 * MIB):
        answer = registry.call("PATCH", where, data=data[start:start + 5 * MIB])
        assert (answer.status_code, answer.headers["Range"]) == (201, f"0-{5 * MIB - 1}")
    assert error(registry.call("PUT", where, params={"digest": digest_of(data)}, data=data[10 * MIB:])) == (400, "DIGEST_INVALID")
    # One part, and the rest with the closing PUT: nothing is lost.
    where = registry.call("POST", "blobs/uploads/").headers["Location"]
    registry.call("PATCH", where, data=data[:6 * MIB])
    assert registry.call("PUT", where, params={"digest": digest_of(data)}, data=data[6 * MIB:]).status_code == 201
    assert registry.call("GET", f"blobs/{digest_of(data)}").content == data


def test_later_chunks_can_be_kept(aws, registry):
    aws.control("POST", "registry", {"later_chunks": "kept"})
    data = bytes(range(256)) * 4 * 1024 * 11
    blob = registry.blob(data, chunk=5 * MIB)
    assert registry.call("GET", f"blobs/{blob['digest']}").content == data
    where = registry.call("POST", "blobs/uploads/").headers["Location"]
    registry.call("PATCH", where, data=b"abc", headers={"Content-Range": "0-2"})
    refused = registry.call("PATCH", where, data=b"xyz", headers={"Content-Range": "5-7"})
    assert (refused.status_code, refused.headers["Range"]) == (416, "0-2")
    status = registry.call("GET", where)
    assert (status.status_code, status.headers["Range"]) == (204, "0-2")
    assert aws.control("POST", "registry", {"later_chunks": "lost"})[0] == 400


def test_a_part_that_is_not_the_last_has_five_mebibytes(registry):
    for parts, expected in (([5 * MIB - 1, 1], 400), ([5 * MIB, 1], 201), ([3], 201), ([1, 5 * MIB], 400)):
        data = [bytes([number]) * size for number, size in enumerate(parts, 65)]
        where = registry.call("POST", "blobs/uploads/").headers["Location"]
        for part in data[:-1]:
            registry.call("PATCH", where, data=part)
        answer = registry.call("PUT", where, params={"digest": digest_of(b"".join(data))}, data=data[-1])
        assert answer.status_code == expected, parts
        if expected == 400:
            assert error(answer) == (400, "BLOB_UPLOAD_INVALID")
            assert "at least 5MB" in answer.json()["errors"][0]["message"]


def test_a_manifests_answer_has_no_location(registry):
    config = registry.blob(b"{}")
    answer = registry.manifest(json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []}).encode(), "v1")
    assert answer.status_code == 201 and "Location" not in answer.headers
    assert answer.headers["Docker-Content-Digest"].startswith("sha256:")


def test_a_line_can_be_slow(aws, registry):
    aws.control("POST", "registry", {"bytes_per_second": 1_000_000})
    start = time.monotonic()
    registry.blob(b"x" * 300_000)
    assert time.monotonic() - start >= 0.25
    assert aws.control("POST", "registry", {"bytes_per_second": 0})[0] == 400


def test_a_token_can_end_after_some_requests(aws):
    aws.ecr.create_repository(repositoryName="app")
    aws.control("POST", "registry", {"token_requests": 3})
    registry = Registry(aws)
    assert [registry.call("GET", f"{registry.base}/v2/").status_code for _ in range(4)] == [200, 200, 200, 403]
    assert Registry(aws).call("GET", f"{registry.base}/v2/").status_code == 200


@pytest.mark.parametrize("by", ["digest", "tag", "both"])
def test_an_image_that_the_api_deletes_is_gone_from_the_registry(aws, registry, by):
    digest, other = registry.image("v1", "one"), registry.image("v2", "two")
    layer = registry.call("GET", "manifests/v1").json()["layers"][0]["digest"]
    kept = registry.call("GET", "manifests/v2").json()["layers"][0]["digest"]
    ids = {"digest": {"imageDigest": digest}, "tag": {"imageTag": "v1"},
           "both": {"imageDigest": digest, "imageTag": "v1"}}[by]
    answer = aws.ecr.batch_delete_image(repositoryName="app", imageIds=[ids, {"imageTag": "none"}])
    assert answer["imageIds"] == [{"imageDigest": digest, "imageTag": "v1"}]
    assert [failure["failureCode"] for failure in answer["failures"]] == ["ImageNotFound"]
    for path in ("manifests/v1", f"manifests/{digest}", f"blobs/{layer}"):
        assert registry.call("HEAD", path).status_code == 404, path
    assert registry.call("GET", "tags/list").json()["tags"] == ["v2"]
    assert registry.call("HEAD", f"blobs/{kept}").status_code == 200
    assert registry.call("HEAD", f"manifests/{other}").status_code == 200


def test_one_tag_of_two_can_be_deleted(aws, registry):
    digest = registry.image("v1")
    assert registry.image("v2") == digest
    aws.ecr.batch_delete_image(repositoryName="app", imageIds=[{"imageTag": "v1"}])
    assert registry.call("HEAD", "manifests/v1").status_code == 404
    assert registry.call("HEAD", "manifests/v2").status_code == 200


def test_a_body_without_a_length_is_taken(registry):
    where = registry.call("POST", "blobs/uploads/").headers["Location"]
    assert registry.call("PATCH", where, data=iter([b"abc", b"def"])).headers["Range"] == "0-5"
    assert registry.call("PUT", where, params={"digest": digest_of(b"abcdef")}).status_code == 201


def test_a_wrong_digest_and_an_unknown_upload_are_refused(registry):
    where = registry.call("POST", "blobs/uploads/").headers["Location"]
    assert error(registry.call("PUT", where, params={"digest": digest_of(b"x")}, data=b"y")) == (400, "DIGEST_INVALID")
    assert error(registry.call("PATCH", where, data=b"y")) == (404, "BLOB_UPLOAD_UNKNOWN")
    where = registry.call("POST", "blobs/uploads/").headers["Location"]
    assert registry.call("DELETE", where).status_code == 204
    assert error(registry.call("PATCH", where, data=b"y")) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_a_manifest_needs_its_layers(registry):
    text = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": {"digest": digest_of(b"c"), "size": 1},
                       "layers": []}).encode()
    assert error(registry.manifest(text, "v1")) == (400, "MANIFEST_BLOB_UNKNOWN")
    assert error(registry.manifest(b"{", "v1")) == (400, "MANIFEST_INVALID")
    assert error(registry.manifest(b"[]", "v1")) == (400, "MANIFEST_INVALID")


def test_an_index_needs_its_images(registry):
    child = registry.image(None)
    entry = {"mediaType": MANIFEST, "digest": child, "size": 1, "platform": {"os": "linux", "architecture": "amd64"}}
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}
    assert registry.manifest(json.dumps(index).encode(), "multi", INDEX).status_code == 201
    index["manifests"] = [{**entry, "digest": digest_of(b"elsewhere")}]
    assert error(registry.manifest(json.dumps(index).encode(), "broken", INDEX)) == (400, "MANIFEST_BLOB_UNKNOWN")


def test_a_layer_belongs_to_its_repository(aws, registry):
    blob = registry.blob(b"layer")
    aws.ecr.create_repository(repositoryName="other/app")
    other = Registry(aws, "other/app")
    assert other.call("HEAD", f"blobs/{blob['digest']}").status_code == 404
    # ECR mounts nothing across repositories: an upload is begun instead.
    mounted = other.call("POST", "blobs/uploads/", params={"mount": blob["digest"], "from": "app"})
    assert mounted.status_code == 202 and "Location" in mounted.headers
    assert error(Registry(aws, "none").call("POST", "blobs/uploads/")) == (404, "NAME_UNKNOWN")
    aws.ecr.delete_repository(repositoryName="app", force=True)
    aws.ecr.create_repository(repositoryName="app")
    assert registry.call("HEAD", f"blobs/{blob['digest']}").status_code == 404


def test_tokens_open_expire_and_are_asked_for(aws, registry):
    bare = requests.get(f"{registry.base}/v2/", timeout=10)
    assert bare.status_code == 401 and bare.headers["Www-Authenticate"].startswith("Basic realm=")
    assert requests.get(f"{registry.base}/v2/", auth=("AWS", "x"), timeout=10).json()["errors"][0]["code"] == "DENIED"
    assert registry.call("GET", f"{registry.base}/v2/").status_code == 200
    assert aws.control("POST", "registry", {"expire_tokens": True})[1]["tokens"] >= 1
    answer = registry.call("GET", f"{registry.base}/v2/")
    assert error(answer) == (403, "DENIED") and "has expired" in answer.json()["errors"][0]["message"]
    assert Registry(aws).call("GET", f"{registry.base}/v2/").status_code == 200


def test_a_token_is_for_its_region(aws, registry):
    import boto3

    west = boto3.client("ecr", endpoint_url=aws.url, region_name="eu-west-1", aws_access_key_id="test",
                        aws_secret_access_key="test")
    data = west.get_authorization_token()["authorizationData"][0]
    registry.session.auth = tuple(base64.b64decode(data["authorizationToken"]).decode().split(":"))
    assert error(registry.call("POST", "blobs/uploads/")) == (404, "NAME_UNKNOWN")


def test_permissions_are_those_of_the_api(aws, registry):
    aws.control("POST", "iam", {"allow": ["ecr:Get*", "ecr:Batch*", "ecr:InitiateLayerUpload"]})
    where = registry.call("POST", "blobs/uploads/").headers["Location"]
    answer = registry.call("PATCH", where, data=b"abc")
    assert error(answer) == (403, "DENIED") and "ecr:UploadLayerPart" in answer.json()["errors"][0]["message"]


def test_a_tag_moves_and_its_image_stays(aws, registry):
    first, second = registry.image("latest", "one"), registry.image("latest", "two")
    tags = {image["imageDigest"]: image.get("imageTags") for image in
            aws.ecr.describe_images(repositoryName="app")["imageDetails"]}
    assert tags == {first: None, second: ["latest"]}
    assert registry.image("latest", "two") == second


def test_immutable_tags_do_not_move(aws, registry):
    aws.ecr.put_image_tag_mutability(
        repositoryName="app", imageTagMutability="MUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "release-*"}])
    registry.image("release-1", "one")
    text = registry.call("GET", "manifests/release-1").content
    again = registry.manifest(text, "release-1")
    assert error(again) == (400, "TAG_INVALID"), "the same digest is refused, too"
    assert registry.manifest(text, digest_of(text)).status_code == 201
    config = registry.blob(b"{}")
    other = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []})
    answer = registry.manifest(other.encode(), "release-1")
    assert error(answer) == (400, "TAG_INVALID") and "is immutable" in answer.json()["errors"][0]["message"]
    assert code(aws.ecr.put_image, repositoryName="app", imageManifest=other,
                imageTag="release-1") == "ImageTagAlreadyExistsException"
    assert registry.manifest(other.encode(), "latest").status_code == 201
    registry.image("latest", "three")


def test_faults_strike_and_layers_are_cut_in_the_middle(aws, registry):
    data = b"x" * 3_000_000
    aws.control("POST", "faults", {"kind": "cut", "service": "registry", "action": "UploadLayerPart", "bytes": 1_000_000,
                                   "nth": 1})
    where = registry.call("POST", "blobs/uploads/").headers["Location"]
    with pytest.raises(requests.ConnectionError):
        registry.call("PATCH", where, data=data)
    assert registry.call("PATCH", where, data=data).status_code == 201
    aws.control("POST", "faults", {"kind": "throttle", "service": "registry", "nth": 1})
    assert error(registry.call("GET", "tags/list")) == (429, "TOOMANYREQUESTS")
    calls = [entry["action"] for entry in aws.control("GET", "calls")[1]["calls"] if entry["service"] == "registry"]
    assert calls[-4:] == ["InitiateLayerUpload", "UploadLayerPart", "UploadLayerPart", "ListImages"]


def test_a_client_that_goes_away_leaves_what_it_sent(aws, registry):
    where = registry.call("POST", "blobs/uploads/").headers["Location"]
    user, password = registry.session.auth
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    path = where.split(str(aws.port), 1)[1]
    with socket.create_connection(("127.0.0.1", aws.port), timeout=10) as line:
        line.sendall(f"PATCH {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {token}\r\nContent-Length: 10\r\n\r\nabc"
                     .encode())
    for _ in range(100):
        if registry.call("GET", where).headers["Range"] == "0-2":
            break
    assert registry.call("PATCH", where, data=b"def", headers={"Content-Range": "3-5"}).status_code == 201
    assert registry.call("PUT", where, params={"digest": digest_of(b"abcdef")}).status_code == 201


POLICY = {"rules": [
    {"rulePriority": 1, "selection": {"tagStatus": "tagged", "tagPrefixList": ["live-"],
                                      "countType": "imageCountMoreThan", "countNumber": 100}, "action": {"type": "expire"}},
    {"rulePriority": 2, "selection": {"tagStatus": "tagged", "tagPrefixList": ["release-"],
                                      "countType": "imageCountMoreThan", "countNumber": 3}, "action": {"type": "expire"}},
    {"rulePriority": 3, "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days",
                                      "countNumber": 14}, "action": {"type": "expire"}}]}


def test_images_expire_by_policy_but_never_those_of_a_rule_above(aws, registry):
    aws.ecr.put_lifecycle_policy(repositoryName="app", lifecyclePolicyText=json.dumps(POLICY))
    registry.image("release-0", "0")
    registry.image("live-main", "0")
    for number in range(1, 6):
        registry.image(f"release-{number}", str(number))
    registry.image("other", "other")
    aws.ecr.describe_images(repositoryName="app")  # a day goes by with the next call
    tags = sorted(tag for image in aws.ecr.describe_images(repositoryName="app")["imageDetails"]
                  for tag in image["imageTags"])
    assert tags == ["live-main", "other", "release-0", "release-3", "release-4", "release-5"]


def test_many_images_come_in_pages(aws, registry):
    config = registry.blob(b"{}")
    for number in range(105):
        manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [], "n": number})
        assert registry.manifest(manifest.encode(), f"t{number}").status_code == 201
    assert len(aws.ecr.describe_images(repositoryName="app")["imageDetails"]) == 100
    pages = aws.ecr.get_paginator("describe_images").paginate(repositoryName="app")
    assert sum(len(page["imageDetails"]) for page in pages) == 105


class _Other(BaseHTTPRequestHandler):
    """A registry of somebody else's, with one image."""

    config = json.dumps({"os": "linux", "architecture": "amd64"}).encode()
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "layers": [],
                           "config": {"digest": digest_of(config), "size": len(config)}}).encode()

    def do_GET(self):
        body = {"/v2/app/tags/list": b'{"name": "app", "tags": ["v9"]}', "/v2/app/manifests/v9": self.manifest}.get(self.path)
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", MANIFEST)
        self.send_header("Docker-Content-Digest", digest_of(self.manifest))
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_):
        pass


def test_a_registry_of_ones_own_takes_the_place(aws, registry):
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Other)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        where = f"http://127.0.0.1:{server.server_port}"
        assert aws.control("POST", "registry", {"endpoint": where}) == (200, {"endpoint": where})
        assert aws.ecr.get_authorization_token()["authorizationData"][0]["proxyEndpoint"] == where
        found = aws.ecr.describe_images(repositoryName="app")["imageDetails"]
        assert [(image["imageTags"], image["imageDigest"]) for image in found] == [(["v9"], digest_of(_Other.manifest))]
        aws.control("POST", "registry", {"endpoint": None})
    finally:
        server.shutdown()
        server.server_close()
    assert aws.control("POST", "registry", {"endpoint": "nowhere"})[0] == 400


def test_an_image_for_another_architecture_is_found_out_in_the_log(aws, network):
    stack = Stack(aws, network)
    stack.listen()
    Registry(aws).image("arm", architecture="arm64")
    stack.create(stack.define(":arm"))
    for _ in range(5):
        aws.ecs.describe_services(cluster="main", services=["app"])
    assert "Essential container in task exited" in stack.stopped_reasons()
    said = aws.logs.filter_log_events(logGroupName="/ecs/app")["events"]
    assert "exec format error" in said[0]["message"] and said[0]["logStreamName"].startswith("app/app/")
