"""ECR's images: digests as in every registry, tags that move or do not, and the token that opens the data plane."""

from __future__ import annotations

import fnmatch
import hashlib
import json
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
        if again:
            return image
        raise ImageAlreadyExistsException(repository.name, repository.registry_id, digest, tag)
    if image is not None and tag is None:
        if again:
            return image
        raise ImageAlreadyExistsException(repository.name, repository.registry_id, digest, tag)
    if holder is not None:
        if not movable(repository, tag):
            if again:
                raise ValueError(f"The image tag '{tag}' already exists in the '{repository.name}' repository and cannot "
                                 "be overwritten because the tag is immutable.")
            raise refuse("ImageTagAlreadyExistsException",
                         f"The image tag '{tag}' already exists in the '{repository.name}' repository and cannot be "
                         "overwritten because the tag is immutable.")
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
