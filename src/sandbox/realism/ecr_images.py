"""ECR's images: digests as in every registry, tags that move or do not, and the token that opens the data plane."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
from typing import Any

from .clock import CLOCK
from .ecr_lifecycle import expire
from .ecr_tokens import TOKENS
from .errors import refuse
from .patch import replaces
from .registry_blobs import BLOBS
from .registry_outside import OUTSIDE

MEDIA_TYPES = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json",
               "application/vnd.docker.distribution.manifest.v2+json",
               "application/vnd.docker.distribution.manifest.list.v2+json")
DIGEST = re.compile(r"[a-zA-Z0-9\-_+.]+:[a-fA-F0-9]{64}")
PAGE = 100


def install() -> None:
    from moto.ecr.models import ECRBackend, Image
    from moto.ecr.responses import ECRResponse

    def digest(self) -> None:
        self._image_digest = "sha256:" + hashlib.sha256(self.image_manifest.encode()).hexdigest()

    Image._create_digest = digest
    Image.get_image_size_in_bytes = _size

    @replaces(ECRBackend, "put_image")
    def put_image(original, self, repository_name, image_manifest, image_tag, image_manifest_mediatype=None,
                  digest=None):
        repository = self._get_repository(repository_name)
        try:
            said = json.loads(image_manifest).get("mediaType")
        except (ValueError, AttributeError):
            raise refuse("InvalidParameterException", "Invalid parameter at 'ImageManifest' failed to satisfy "
                                                      "constraint: 'Invalid JSON syntax'") from None
        if not (image_manifest_mediatype or said):
            return original(self, repository_name, image_manifest, image_tag, image_manifest_mediatype, digest)
        return put(repository, image_manifest, image_manifest_mediatype or said, image_tag, again=False)

    @replaces(ECRBackend, "batch_delete_image")
    def batch_delete_image(original, self, repository_name, registry_id=None, image_ids=None):
        repository = self.repositories.get(repository_name)
        if repository is None or not image_ids:
            return original(self, repository_name, registry_id, image_ids)
        return delete_images(repository, (self.region_name, repository_name), image_ids)

    @replaces(ECRBackend, "delete_repository")
    def delete_repository(original, self, repository_name, registry_id=None, force=False):
        found = original(self, repository_name, registry_id, force)
        BLOBS.forget((self.region_name, repository_name))
        return found

    @replaces(ECRResponse, "get_authorization_token")
    def get_authorization_token(original, self):
        from moto.core.responses import ActionResult

        token, end = TOKENS.issue(self.region)
        endpoint = OUTSIDE.endpoint or f"http://{self.headers.get('Host')}"
        return ActionResult({"authorizationData": [
            {"authorizationToken": token, "expiresAt": end, "proxyEndpoint": endpoint}]})

    _looks(ECRBackend)
    _pages(ECRResponse)


def put(repository: Any, manifest: str, media_type: str, tag: str | None, *, again: bool) -> Any:
    """Store a manifest, and point the tag at it. The image that loses the tag stays, as in ECR; `again` lets the same tag be
    put on the same image, as a registry does and the API does not. Raises ImageAlreadyExistsException, or ValueError with
    the registry's words when `again` is given and the tag may not move."""
    from moto.ecr.exceptions import ImageAlreadyExistsException
    from moto.ecr.models import Image

    fresh = Image(repository.account_id, None, manifest, repository.name, media_type)
    digest = fresh.get_image_digest()
    image = next((image for image in repository.images if image.get_image_digest() == digest), None)
    holder = next((image for image in repository.images if tag in image.image_tags), None) if tag else None
    if holder is not None and holder is image:
        if again and movable(repository, tag):
            return image
        if again:
            # aws/containers-roadmap#2179: the very same image, too.
            raise ValueError(immutable(repository, tag))
        raise ImageAlreadyExistsException(repository.name, repository.registry_id, digest, tag)
    if image is not None and tag is None:
        if again:
            return image
        raise ImageAlreadyExistsException(repository.name, repository.registry_id, digest, tag)
    if holder is not None:
        if not movable(repository, tag):
            if again:
                raise ValueError(immutable(repository, tag))
            raise refuse("ImageTagAlreadyExistsException", immutable(repository, tag))
        holder.remove_tag(tag)
        if not holder.image_tags:
            holder.image_tag = None
    if image is None:
        image = fresh
        repository.images.append(image)
    if tag is not None:
        image.update_tag(tag)
    # ECR user guide, "Lifecycle policies": images expire within 24 hours.
    CLOCK.after("ecr.lifecycle", lambda: expire(repository))
    return image


def take_in(repository: Any) -> None:
    """Make the repository's images those of a registry of one's own, where there is one."""
    for tag, manifest, kind, digest in OUTSIDE.images(repository.name):
        known = next((image for image in repository.images if tag in image.image_tags), None)
        if known is None or known.get_image_digest() != digest:
            if known is not None:
                known.remove_tag(tag)
            put(repository, manifest, kind, tag, again=True)


def movable(repository: Any, tag: str) -> bool:
    """Whether this tag may move to another image. ECR user guide, "Preventing image tags from being overwritten"."""
    kind = str(getattr(repository.image_tag_mutability, "value", repository.image_tag_mutability) or "MUTABLE")
    excluded = any(fnmatch.fnmatchcase(tag, entry["filter"])
                   for entry in repository.image_tag_mutability_exclusion_filters or [])
    return kind.startswith("MUTABLE") != excluded


def immutable(repository: Any, tag: str) -> str:
    """ECR's sentence for a tag that may not move."""
    return (f"The image tag '{tag}' already exists in the '{repository.name}' repository and cannot be overwritten "
            "because the tag is immutable.")


def delete_images(repository: Any, home: tuple[str, str], wanted: list[dict[str, str]]) -> dict[str, Any]:
    """BatchDeleteImage: by digest the image with all its tags, by tag the tag, and the image with its last one."""
    done: list[dict[str, str]] = []
    failures: list[dict[str, Any]] = []
    gone: list[Any] = []
    for entry in wanted:
        digest, tag = entry.get("imageDigest"), entry.get("imageTag")
        if not digest and not tag:
            failures.append({"imageId": {}, "failureCode": "MissingDigestAndTag", "failureReason":
                             "Invalid request parameters: both tag and digest cannot be null"})
            continue
        if digest and not DIGEST.fullmatch(digest):
            failures.append({"imageId": entry, "failureCode": "InvalidImageDigest", "failureReason":
                             "Invalid request parameters: image digest should satisfy the regex "
                             "'[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'"})
            continue
        image = next((image for image in repository.images
                      if digest in (None, image.get_image_digest()) and (not tag or tag in image.image_tags)), None)
        if image is None:
            failures.append({"imageId": entry, "failureCode": "ImageNotFound",
                             "failureReason": "Requested image not found"})
            continue
        found = image.get_image_digest()
        tags = list(image.image_tags) if digest else [tag]
        done.extend({"imageDigest": found, "imageTag": name} for name in tags)
        if not tags:
            done.append({"imageDigest": found})
        untag_or_delete(repository, found, None if digest else tag)
        if image not in repository.images:
            gone.append(image)
    forget_layers(repository, home, gone)
    return {"imageIds": done, "failures": failures}


def forget_layers(repository: Any, home: tuple[str, str], gone: list[Any]) -> None:
    """Let go of the layers of images that are gone, as far as no other image of the repository has them."""
    gone = [image for image in gone if image not in repository.images]
    kept = {digest for image in repository.images for digest in _layers(image)}
    BLOBS.forget(home, {digest for image in gone for digest in _layers(image)} - kept)


def _layers(image: Any) -> set[str]:
    manifest = json.loads(image.image_manifest)
    entries = [manifest.get("config") or {}, *(manifest.get("layers") or [])]
    return {entry["digest"] for entry in entries if isinstance(entry, dict) and "digest" in entry}


def untag_or_delete(repository: Any, digest: str, tag: str | None) -> None:
    """Take away one tag of an image, or the image (`tag` None, or its last one)."""
    image = next((image for image in repository.images if image.get_image_digest() == digest), None)
    if image is None:
        return
    if tag is not None:
        image.remove_tag(tag)
    if tag is None or not image.image_tags:
        repository.images.remove(image)


def _size(self) -> int | None:
    """The sum of its layers, as ECR shows it. An index has none."""
    layers = json.loads(self.image_manifest).get("layers")
    return None if layers is None else sum(int(layer.get("size", 0)) for layer in layers)


def _looks(backend: type) -> None:
    """Whatever reads images first takes in what a registry of one's own has got since."""
    for method in ("describe_images", "list_images", "batch_get_image"):
        @replaces(backend, method)
        def look(original, self, repository_name, *args, **kwargs):
            repository = self.repositories.get(repository_name)
            if repository is not None:
                take_in(repository)
            return original(self, repository_name, *args, **kwargs)


def _pages(responses: type) -> None:
    @replaces(responses, "describe_images")
    def describe_images(original, self):
        from moto.core.responses import ActionResult

        result = dict(original(self).result)
        if self._get_param("imageIds"):
            return ActionResult(result)
        token, size = self._get_param("nextToken"), int(self._get_param("maxResults") or PAGE)
        start = int(token) if str(token or "").isdigit() else 0
        details = result["imageDetails"]
        result["imageDetails"] = details[start:start + size]
        if start + size < len(details):
            result["nextToken"] = str(start + size)
        return ActionResult(result)
