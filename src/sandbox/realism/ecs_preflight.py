"""Why a task cannot start: its image, secrets, log group, role or way out to the internet.

What a container does once it runs is not known here; a test can say so with `POST /_sandbox/images`.
"""

from __future__ import annotations

import json
import re
from typing import Any

from .ecr_images import take_in
from .lag import LAG
from .registry_blobs import BLOBS
from .registry_outside import OUTSIDE
from .runner import RUNNER

REGISTRY = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/"
                      r"(?P<name>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?")
# Distribution specification: repository names are in small letters, tags hold no slash.
REFERENCE = re.compile(r"(?:[A-Za-z0-9.\-]+(?::\d+)?/)?[a-z0-9]+(?:[._/\-]+[a-z0-9]+)*(?::[\w][\w.\-]{0,127})?(?:@[a-z0-9]+:[0-9a-fA-F]+)?")
BEHAVIOURS = ("runs", "crashes", "unhealthy")
PLATFORMS = {"X86_64": "amd64", "ARM64": "arm64"}


class Images:
    """What the containers of an image do: run (the default), crash at once, or run and never become healthy."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}
        self._lines: dict[str, list[str]] = {}

    def say(self, image: str, behaviour: str, log: list[str] | None = None) -> None:
        """Declare by digest, tag, `repository:tag` or whole reference what it does, and what it writes to its log when it
        starts. Raises ValueError on an unknown behaviour."""
        if behaviour not in BEHAVIOURS:
            raise ValueError(f"behaviour must be one of {', '.join(BEHAVIOURS)}")
        self._said[image] = behaviour
        self._lines[image] = log or []

    def listed(self) -> dict[str, str]:
        return dict(self._said)

    def clear(self) -> None:
        self._said.clear()
        self._lines.clear()

    def of(self, reference: str, digest: str | None) -> str:
        return self._said.get(self._meant(reference, digest), "runs")

    def log(self, reference: str, digest: str | None) -> list[str]:
        """What its container writes when it starts."""
        return self._lines.get(self._meant(reference, digest), [])

    def _meant(self, reference: str, digest: str | None) -> str:
        for said in self._said:
            if said == digest or reference == said or reference.endswith(("/" + said, ":" + said, "@" + said)):
                return said
        return ""


IMAGES = Images()


def ecr_image(account: str, reference: str) -> tuple[bool, str | None, Any]:
    """Whether the reference can be pulled, its digest where known, and the stored image. Other registries: always."""
    match = REGISTRY.fullmatch(reference)
    if match is None:
        return True, None, None
    from moto.ecr.models import ecr_backends

    if match["account"] != account:
        return False, None, None
    repository = ecr_backends[account][match["region"]].repositories.get(match["name"])
    if repository is not None:
        take_in(repository)
    wanted = match["digest"]
    tag = match["tag"] or (None if wanted else "latest")
    for image in repository.images if repository else []:
        if (wanted and image.get_image_digest() == wanted) or (not wanted and tag in image.image_tags):
            return True, image.get_image_digest(), image
    return False, None, None


def _repository(account: str, reference: str) -> Any:
    """The repository that a reference means, or None."""
    from moto.ecr.models import ecr_backends

    match = REGISTRY.fullmatch(reference)
    if match is None or match["account"] != account:
        return None
    return ecr_backends[account][match["region"]].repositories.get(match["name"])


def why_not(ecs: Any, definition: Any, network: dict[str, Any] | None) -> str | None:
    """The stop reason of a task that cannot start, or None."""
    return (_role(ecs, definition) or _secrets(ecs, definition) or _logs(ecs, definition)
            or _images(ecs, definition, network))


def _role(ecs: Any, definition: Any) -> str | None:
    from moto.iam.models import iam_backends

    known = {role.arn for role in iam_backends[ecs.account_id]["aws"].roles.values()}
    for attribute in ("execution_role_arn", "task_role_arn"):
        arn = getattr(definition, attribute, None)
        there = not arn or arn in known or arn.rsplit("/", 1)[-1] in {name.rsplit("/", 1)[-1] for name in known}
        if arn and not (there and LAG.role_assumable(arn)):
            return (f"ECS was unable to assume the role '{arn}' that was provided for this task. Please verify that "
                    "the role being passed has the proper trust relationship and permissions and that your IAM user "
                    "has permissions to pass this role.")
    return None


def _secrets(ecs: Any, definition: Any) -> str | None:
    for container in definition.container_definitions:
        for secret in container.get("secrets") or []:
            problem = _secret(ecs, str(secret.get("valueFrom", "")))
            if problem:
                return ("ResourceInitializationError: unable to pull secrets or registry auth: execution resource "
                        f"retrieval failed: unable to retrieve secret from asm: {problem}")
    return None


def _secret(ecs: Any, source: str) -> str | None:
    if ":secretsmanager:" not in source:
        return None
    from moto.secretsmanager.models import secretsmanager_backends

    parts = source.split(":")
    arn, key = ":".join(parts[:7]), parts[7] if len(parts) > 7 else ""
    backend = secretsmanager_backends[ecs.account_id][parts[3]]
    found = next((item for item in backend.secrets.values() if item.arn == arn or item.arn.rsplit("-", 1)[0] == arn),
                 None)
    if found is None or found.is_deleted() or not found.versions:
        return "ResourceNotFoundException: Secrets Manager can't find the specified secret."
    if not key:
        return None
    current = next((version for version in found.versions.values() if "AWSCURRENT" in version["version_stages"]), {})
    try:
        value = json.loads(current.get("secret_string") or "")
    except ValueError:
        return f"invalid secret value for key {key}: not JSON"
    if not isinstance(value, dict) or key not in value:
        return f"retrieved secret from Secrets Manager did not contain json key {key}"
    return None


def _logs(ecs: Any, definition: Any) -> str | None:
    from moto.logs.models import logs_backends

    for container in definition.container_definitions:
        logging = container.get("logConfiguration") or {}
        options = logging.get("options") or {}
        if logging.get("logDriver") != "awslogs" or options.get("awslogs-create-group") == "true":
            continue
        groups = logs_backends[ecs.account_id][options.get("awslogs-region", ecs.region_name)].groups
        if options.get("awslogs-group") not in groups:
            return ("ResourceInitializationError: failed to validate logger args: create stream has been retried 1 "
                    "times: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log "
                    "group does not exist.")
    return None


def _images(ecs: Any, definition: Any, network: dict[str, Any] | None) -> str | None:
    for container in definition.container_definitions:
        reference = str(container.get("image", ""))
        if network is not None and not _way_out(ecs, network):
            return ("ResourceInitializationError: unable to pull secrets or registry auth: The task cannot pull "
                    f"{reference}: there is a connection issue between the task and the registry. Check your task "
                    "network configuration: i/o timeout")
        if not REFERENCE.fullmatch(reference):
            return f"CannotPullContainerError: invalid reference format: {reference}"
        found, _, image = ecr_image(ecs.account_id, reference)
        if not found and not RUNNER.stands_in(_repository(ecs.account_id, reference)):
            return ("CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref "
                    f"{reference}: {reference}: not found")
        wanted = PLATFORMS.get((definition.runtime_platform or {}).get("cpuArchitecture", "X86_64"), "amd64")
        if image is not None and not _fits(image, wanted):
            return ("CannotPullContainerError: pull image manifest has been retried 1 time(s): image Manifest does "
                    f"not contain descriptor matching platform 'linux/{wanted}'")
    return None


def format_error(definition: Any, reference: str, account: str) -> bool:
    """Whether the image is a plain one for another architecture. Such an image is pulled, and its entry point cannot be run."""
    match, (_, _, image) = REGISTRY.fullmatch(reference), ecr_image(account, reference)
    if match is None or image is None:
        return False
    try:
        digest = json.loads(image.image_manifest)["config"]["digest"]
    except (ValueError, KeyError, TypeError):
        return False
    blob = BLOBS.find((match["region"], match["name"]), digest)
    try:
        if blob is not None:
            with open(blob[0], encoding="utf-8") as file:
                configuration = json.load(file)
        else:
            configuration = OUTSIDE.read(match["name"], digest) or {}
    except (OSError, ValueError):
        return False
    wanted = PLATFORMS.get((definition.runtime_platform or {}).get("cpuArchitecture", "X86_64"), "amd64")
    return configuration.get("architecture", wanted) != wanted


def _fits(image: Any, architecture: str) -> bool:
    """Whether an image index offers the architecture; a plain manifest does not say and is taken to fit."""
    try:
        manifests = json.loads(image.image_manifest).get("manifests")
    except ValueError:
        return True
    offered = [(entry.get("platform") or {}).get("architecture") for entry in manifests or []]
    return not any(offered) or architecture in offered


def _way_out(ecs: Any, network: dict[str, Any]) -> bool:
    """Whether every subnet of the task has a default route that works for it, or the VPC has endpoints."""
    from moto.ec2.models import ec2_backends

    settings = network.get("awsvpcConfiguration") or {}
    public = settings.get("assignPublicIp") == "ENABLED"
    ec2 = ec2_backends[ecs.account_id][ecs.region_name]
    for subnet_id in settings.get("subnets") or []:
        subnet = ec2.get_subnet(subnet_id)
        if ec2.vpcs[subnet.vpc_id].is_default or any(end.vpc_id == subnet.vpc_id
                                                     for end in ec2.vpc_end_points.values()):
            continue
        tables = [table for table in ec2.route_tables.values() if table.vpc_id == subnet.vpc_id]
        table = next((table for table in tables if subnet_id in table._associations.values()), None) \
            or next(table for table in tables if table.main_association_id)
        routes = [route for route in table.routes if route.destination_cidr_block == "0.0.0.0/0"]
        if not any(_carries(route, public) for route in routes):
            return False
    return True


def _carries(route: Any, public: bool) -> bool:
    if route.state != "active":
        return False
    if route.nat_gateway is not None:
        return route.nat_gateway.state == "available"
    if route.gateway is not None and route.gateway.id.startswith("igw-"):
        return public
    return True
