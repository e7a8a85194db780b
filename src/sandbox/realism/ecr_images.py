"""ECR: an image's digest is the digest of its manifest, as in every registry."""

from __future__ import annotations

import hashlib


def install() -> None:
    from moto.ecr.models import Image

    def digest(self) -> None:
        self._image_digest = "sha256:" + hashlib.sha256(self.image_manifest.encode()).hexdigest()

    Image._create_digest = digest
