"""Lifecycle policies: which images of a repository expire.

ECR user guide, "How lifecycle policies work": rules are looked at by priority; an image that meets a rule's tags can
never be expired by a rule of lower priority, whether or not the first one expires it; tags of a prefix list must all be
there; `imageCountMoreThan` keeps the youngest by push time, `sinceImagePushed` expires what is older than so many days.
"""

from __future__ import annotations

import fnmatch
import json
import time
from typing import Any


def expire(repository: Any) -> list[str]:
    """Apply the repository's policy now; the digests of what expired."""
    if not repository.lifecycle_policy:
        return []
    rules = sorted(json.loads(repository.lifecycle_policy).get("rules", []), key=lambda rule: rule["rulePriority"])
    taken: set[int] = set()
    expired: list[Any] = []
    for rule in rules:
        matching = [image for image in repository.images if id(image) not in taken and _meets(rule["selection"], image)]
        taken.update(id(image) for image in matching)
        expired.extend(_due(rule["selection"], matching))
    for image in expired:
        repository.images.remove(image)
    return [image.get_image_digest() for image in expired]


def _meets(selection: dict[str, Any], image: Any) -> bool:
    status = selection.get("tagStatus")
    if status == "untagged":
        return not image.image_tags
    if status == "any":
        return True
    prefixes, patterns = selection.get("tagPrefixList") or [], selection.get("tagPatternList") or []
    wanted = [prefix + "*" for prefix in prefixes] + list(patterns)
    return bool(image.image_tags) and all(
        any(fnmatch.fnmatchcase(tag, pattern) for tag in image.image_tags) for pattern in wanted)


def _due(selection: dict[str, Any], images: list[Any]) -> list[Any]:
    number = int(selection["countNumber"])
    if selection["countType"] == "imageCountMoreThan":
        # The list is in the order of arrival, which tells images of one second apart.
        return images[:-number] if len(images) > number else []
    return [image for image in images if time.time() - image.image_pushed_at > number * 86400]
