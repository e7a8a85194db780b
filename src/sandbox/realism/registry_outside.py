"""A registry of one's own in the place of ECR's data plane, such as Debian's docker-registry.

GetAuthorizationToken then names it, so images are pushed there; what it has is taken into ECR's view of a repository
when somebody looks: the API's describes, and tasks that start.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any, Iterator

ACCEPT = ", ".join(("application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json",
                    "application/vnd.docker.distribution.manifest.list.v2+json",
                    "application/vnd.docker.distribution.manifest.v2+json"))
PATIENCE = 10.0


class Outside:
    def __init__(self) -> None:
        self.endpoint: str | None = None
        # A registry of one's own asks nobody for a token, and lies on this machine: no proxy on the way.
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def use(self, endpoint: str | None) -> None:
        """Send pushes to this address, `http://127.0.0.1:5000`; None: to the sandbox's own registry."""
        self.endpoint = endpoint.rstrip("/") if endpoint else None

    def images(self, name: str) -> Iterator[tuple[str, str, str, str]]:
        """What a repository of the registry outside holds: tag, manifest, media type, digest. Nothing, when there is none."""
        for tag in self._tags(name) if self.endpoint else ():
            text, kind, digest = self._manifest(name, tag)
            if text is not None:
                yield tag, text, kind, digest

    def read(self, name: str, reference: str) -> dict[str, Any] | None:
        """A blob in JSON, such as an image's configuration."""
        if self.endpoint is None:
            return None
        return self._json(f"/v2/{name}/blobs/{reference}")

    def _tags(self, name: str) -> list[str]:
        return (self._json(f"/v2/{name}/tags/list") or {}).get("tags") or []

    def _json(self, path: str) -> dict[str, Any] | None:
        try:
            with self._open(f"{self.endpoint}{path}", timeout=PATIENCE) as answer:
                return json.load(answer)
        except (urllib.error.URLError, OSError, ValueError):
            return None

    def _manifest(self, name: str, tag: str) -> tuple[str | None, str, str]:
        request = urllib.request.Request(f"{self.endpoint}/v2/{name}/manifests/{tag}", headers={"Accept": ACCEPT})
        try:
            with self._open(request, timeout=PATIENCE) as answer:
                kind = answer.headers.get("Content-Type", "").split(";")[0]
                return answer.read().decode(), kind, answer.headers.get("Docker-Content-Digest", "")
        except (urllib.error.URLError, OSError, ValueError):
            return None, "", ""


OUTSIDE = Outside()
