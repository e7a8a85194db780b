"""ECR's data plane: the OCI distribution protocol under /v2/, at the sandbox's own address.

What is pushed here is an image in moto's ECR, and what ECR's API has can be pulled here. Blobs lie in files; manifests and
tags are moto's. The paths and answers follow the OCI distribution specification 1.1, the errors ECR's texts; where ECR
does not follow the specification, neither does this: a PATCH is answered 201 (dotnet/sdk-container-builds#279), what
PATCHes after the first carry is dropped and `Range` stays at the end of the first (aws/containers-roadmap#2831, where
a later comment holds that the bytes are kept: see registry_line), small parts are refused at the closing PUT, and a
manifest's answer has no Location.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from . import ACCOUNT
from .ecr_images import MEDIA_TYPES, forget_layers, put, untag_or_delete
from .ecr_tokens import TOKENS, Denied
from .http import Answer, FileContent, Request
from .registry_blobs import BLOBS, BadDigest, BadRange, PartTooSmall, UnknownUpload
from .registry_line import LINE
from .request import Call

NAME = r"(?P<name>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
# method pattern, path pattern, the action as the permission that ECR asks for it
ROUTES = [
    ("GET", r"/v2/?", "GetAuthorizationToken", "_ping"),
    ("POST", rf"/v2/{NAME}/blobs/uploads/?", "InitiateLayerUpload", "_start"),
    ("GET", rf"/v2/{NAME}/blobs/uploads/(?P<upload>[0-9a-f]+)", "InitiateLayerUpload", "_where"),
    ("PATCH", rf"/v2/{NAME}/blobs/uploads/(?P<upload>[0-9a-f]+)", "UploadLayerPart", "_more"),
    ("PUT", rf"/v2/{NAME}/blobs/uploads/(?P<upload>[0-9a-f]+)", "CompleteLayerUpload", "_close"),
    ("DELETE", rf"/v2/{NAME}/blobs/uploads/(?P<upload>[0-9a-f]+)", "InitiateLayerUpload", "_give_up"),
    ("HEAD", rf"/v2/{NAME}/blobs/(?P<digest>sha256:[0-9a-f]{{64}})", "BatchCheckLayerAvailability", "_blob"),
    ("GET", rf"/v2/{NAME}/blobs/(?P<digest>sha256:[0-9a-f]{{64}})", "GetDownloadUrlForLayer", "_blob"),
    ("PUT", rf"/v2/{NAME}/manifests/(?P<reference>[\w][\w.:-]{{0,150}})", "PutImage", "_put_manifest"),
    ("GET|HEAD", rf"/v2/{NAME}/manifests/(?P<reference>[\w][\w.:-]{{0,150}})", "BatchGetImage", "_manifest"),
    ("DELETE", rf"/v2/{NAME}/manifests/(?P<reference>[\w][\w.:-]{{0,150}})", "BatchDeleteImage", "_delete"),
    ("GET", rf"/v2/{NAME}/tags/list", "ListImages", "_tags"),
]
COMPILED = [(re.compile(methods), re.compile(path), action, handler) for methods, path, action, handler in ROUTES]
SERVICE = "registry"


class Problem(Exception):
    """An answer of the protocol that is no success."""

    def __init__(self, status: int, code: str, message: str, headers: list[tuple[str, str]] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or []


def is_registry(request: Request) -> bool:
    """Whether a request speaks the registry's protocol; signed calls of AWS services that have a /v2/ of their own do not."""
    if request.path != "/v2" and not request.path.startswith("/v2/"):
        return False
    return not (request.headers.get("Authorization") or "").startswith("AWS4-")


def named(request: Request) -> Call:
    """The call for the log, the faults and the permissions. Its service is `registry`."""
    action, _, found = _route(request)
    named = {"repositoryName": found["name"]} if found.get("name") else {}
    return Call(SERVICE, action, "registry", params=named, user_agent=request.headers.get("User-Agent", "") or "")


def answer(sandbox: Any, request: Request) -> Answer:
    """Carry out one request. A client that goes away in the middle of a layer leaves what it sent with the upload."""
    try:
        _, handler, found = _route(request)
        if handler is None:
            raise Problem(404, "UNSUPPORTED", f"no such path: {request.path}")
        return _Exchange(sandbox, request, found).run(handler)
    except Problem as problem:
        return refusal(problem.status, problem.code, problem.message, problem.headers)


def refusal(status: int, code: str, message: str, headers: list[tuple[str, str]] | None = None) -> Answer:
    """An error in the form of the distribution specification."""
    body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
    return status, [("Content-Type", "application/json; charset=utf-8"), *(headers or [])], body


def _route(request: Request) -> tuple[str, str | None, dict[str, str]]:
    for methods, path, action, handler in COMPILED:
        found = path.fullmatch(request.path)
        if found and methods.fullmatch(request.method):
            return action, handler, found.groupdict()
    return request.method, None, {}


class _Exchange:
    """One request, with who asks and which repository is meant."""

    def __init__(self, sandbox: Any, request: Request, found: dict[str, str]) -> None:
        self.sandbox, self.request, self.found = sandbox, request, found
        self.query = {key: values[0] for key, values in parse_qs(request.query, keep_blank_values=True).items()}
        self.name = found.get("name", "")

    def run(self, handler: str) -> Answer:
        self.region = self._who()
        if self.name:
            with self.sandbox.lock:
                self._repository()
        return getattr(self, handler)()

    def _who(self) -> str:
        """The region that the caller's token is for. The token says it, since the sandbox has one address for all of them."""
        said = self.request.headers.get("Authorization") or ""
        if not said:
            host = self.request.headers.get("Host") or ""
            raise Problem(401, "UNAUTHORIZED", "authentication required", [
                ("Www-Authenticate", f'Basic realm="http://{host}/",service="ecr.amazonaws.com"')])
        try:
            return TOKENS.region(said)
        except Denied as denied:
            raise Problem(403, "DENIED", str(denied)) from None

    def _repository(self) -> Any:
        from moto.ecr.models import ecr_backends

        found = ecr_backends[ACCOUNT][self.region].repositories.get(self.name)
        if found is None:
            raise Problem(404, "NAME_UNKNOWN", f"The repository with name '{self.name}' does not exist in the registry "
                                               f"with id '{ACCOUNT}'")
        return found

    @property
    def _home(self) -> tuple[str, str]:
        return self.region, self.name

    def _ping(self) -> Answer:
        return 200, [("Docker-Distribution-Api-Version", "registry/2.0"), ("Content-Type", "application/json")], b"{}"

    # Layers and configurations

    def _start(self) -> Answer:
        # ECR mounts nothing from another repository: a `mount` is answered with an upload, as the specification allows.
        upload = BLOBS.begin(self._home)
        if "digest" in self.query:
            self._receive(upload, closing=True)
            return self._closed(upload)
        return 202, self._upload_headers(upload, 0), b""

    def _where(self) -> Answer:
        upload = self.found["upload"]
        try:
            return 204, self._upload_headers(upload, BLOBS.length(upload)), b""
        except UnknownUpload:
            raise self._unknown_upload() from None

    def _more(self) -> Answer:
        upload = self.found["upload"]
        self._receive(upload)
        return 201, self._upload_headers(upload, BLOBS.length(upload)), b""

    def _close(self) -> Answer:
        self._receive(self.found["upload"], closing=True)
        return self._closed(self.found["upload"])

    def _give_up(self) -> Answer:
        BLOBS.give_up(self.found["upload"])
        return 204, [], b""

    def _receive(self, upload: str, *, closing: bool = False) -> None:
        said = re.fullmatch(r"(?:bytes[ =])?(\d+)-(\d+)", self.request.headers.get("Content-Range") or "")
        try:
            BLOBS.append(upload, LINE.pieces(self.request.stream), int(said.group(1)) if said else None,
                         closing=closing, drop_later=LINE.drop_later)
        except UnknownUpload:
            raise self._unknown_upload() from None
        except BadRange as error:
            raise Problem(416, "BLOB_UPLOAD_INVALID", str(error),
                          self._upload_headers(upload, BLOBS.length(upload))) from None

    def _closed(self, upload: str) -> Answer:
        digest = self.query.get("digest", "")
        try:
            BLOBS.finish(upload, digest)
        except UnknownUpload:
            raise self._unknown_upload() from None
        except PartTooSmall as error:
            raise Problem(400, "BLOB_UPLOAD_INVALID", str(error)) from None
        except BadDigest as error:
            raise Problem(400, "DIGEST_INVALID", str(error)) from None
        return 201, [("Location", self._link("blobs", digest)), ("Docker-Content-Digest", digest)], b""

    def _upload_headers(self, upload: str, length: int) -> list[tuple[str, str]]:
        return [("Location", self._link("blobs/uploads", upload)), ("Range", f"0-{max(0, length - 1)}"),
                ("Docker-Upload-UUID", upload)]

    def _link(self, what: str, last: str) -> str:
        return f"http://{self.request.headers.get('Host')}/v2/{self.name}/{what}/{last}"

    def _unknown_upload(self) -> Problem:
        return Problem(404, "BLOB_UPLOAD_UNKNOWN", f"no such upload: {self.found.get('upload', '')}")

    def _blob(self) -> Answer:
        digest = self.found["digest"]
        blob = BLOBS.find(self._home, digest)
        if blob is None:
            raise Problem(404, "BLOB_UNKNOWN", f"no such layer: {digest}")
        path, size = blob
        headers = [("Docker-Content-Digest", digest), ("Content-Type", "application/octet-stream"),
                   ("Accept-Ranges", "bytes"), ("Content-Length", str(size))]
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.request.headers.get("Range") or "")
        if not asked or self.request.method == "HEAD":
            return 200, headers, FileContent(path, size)
        start, end = int(asked.group(1)), min(int(asked.group(2) or size - 1), size - 1)
        if start > end:
            raise Problem(416, "RANGE_INVALID", f"the layer has {size} bytes")
        return 206, [*headers, ("Content-Range", f"bytes {start}-{end}/{size}")], FileContent(path, end - start + 1, start)

    # Manifests and tags

    def _put_manifest(self) -> Answer:
        reference, text = self.found["reference"], self.request.body
        kind = (self.request.headers.get("Content-Type") or "").split(";")[0].strip()
        if kind not in MEDIA_TYPES:
            raise Problem(400, "MANIFEST_INVALID", f"manifest type {kind or '(none)'} is not supported")
        with self.sandbox.lock:
            repository = self._repository()
            self._complete(repository, text)
            tag = None if ":" in reference else reference
            try:
                image = put(repository, text.decode(), kind, tag, again=True)
            except ValueError as error:
                raise Problem(400, "TAG_INVALID", str(error)) from None
            digest = image.get_image_digest()
            if tag is None and digest != reference:
                untag_or_delete(repository, digest, None)
                raise Problem(400, "DIGEST_INVALID", f"the manifest's digest is {digest}")
        # ECR sends no Location here, whatever the specification asks.
        return 201, [("Docker-Content-Digest", digest)], b""

    def _complete(self, repository: Any, text: bytes) -> None:
        """Everything that a manifest speaks of has to be here before it."""
        try:
            manifest = json.loads(text)
            layers = [manifest["config"], *manifest["layers"]] if "config" in manifest else []
            children = manifest.get("manifests") or []
            wanted = [entry["digest"] for entry in layers]
            listed = [entry["digest"] for entry in children]
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Problem(400, "MANIFEST_INVALID", "the manifest cannot be read") from None
        for digest in wanted:
            if BLOBS.find(self._home, digest) is None:
                raise Problem(400, "MANIFEST_BLOB_UNKNOWN", f"Layers with digests '[{digest}]' required for pushing "
                                                            "image into repository do not exist")
        known = {image.get_image_digest() for image in repository.images}
        for digest in listed:
            if digest not in known:
                raise Problem(400, "MANIFEST_BLOB_UNKNOWN", f"Images with digests '[{digest}]' required for pushing "
                                                            "image into repository do not exist")

    def _find(self, repository: Any) -> Any:
        reference = self.found["reference"]
        for image in repository.images:
            if image.get_image_digest() == reference or reference in image.image_tags:
                return image
        raise Problem(404, "MANIFEST_UNKNOWN", "Requested image not found")

    def _manifest(self) -> Answer:
        with self.sandbox.lock:
            image = self._find(self._repository())
            text, kind = image.get_image_manifest().encode(), image.image_manifest_media_type
            digest = image.get_image_digest()
        headers = [("Content-Type", kind or MEDIA_TYPES[0]), ("Docker-Content-Digest", digest),
                   ("Content-Length", str(len(text)))]
        return 200, headers, text

    def _delete(self) -> Answer:
        with self.sandbox.lock:
            repository = self._repository()
            image, reference = self._find(repository), self.found["reference"]
            untag_or_delete(repository, image.get_image_digest(), None if ":" in reference else reference)
            forget_layers(repository, self._home, [image])
        return 202, [], b""

    def _tags(self) -> Answer:
        with self.sandbox.lock:
            tags = sorted(tag for image in self._repository().images for tag in image.image_tags)
        if "last" in self.query:
            tags = [tag for tag in tags if tag > self.query["last"]]
        headers = [("Content-Type", "application/json")]
        size = int(self.query["n"]) if self.query.get("n", "").isdigit() else len(tags)
        if size < len(tags):
            tags = tags[:size]
            if tags:
                link = urlsplit(self.request.target).path
                headers.append(("Link", f'<{link}?n={size}&last={tags[-1]}>; rel="next"'))
        return 200, headers, json.dumps({"name": self.name, "tags": tags}).encode()
