"""The inventory of everything that is no network: containers, databases, images, buckets, secrets, roles, logs."""

from __future__ import annotations

import json
from typing import Any, Callable

Found = dict  # name of the list -> entries


def _json(text: Any) -> Any:
    """A policy or other document as a value, whatever its white space."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


def _pairs(tags: Any) -> dict[str, str]:
    """Tags in any of AWS's shapes as one map."""
    if isinstance(tags, dict):
        return {key: value["Value"] if isinstance(value, dict) else value for key, value in sorted(tags.items())}
    pairs = [(tag.get("Key", tag.get("key")), tag.get("Value", tag.get("value"))) for tag in tags or []]
    return dict(sorted(pairs))


def clusters(ecs: Any, labels: Any) -> Found:
    found = [{**labels.learn(cluster.arn, {}, cluster.name), "tags": _pairs(cluster.tags),
              "settings": labels.deep(cluster.settings), "capacity_providers": labels.deep(cluster.capacity_providers)}
             for cluster in ecs.clusters.values() if cluster.status == "ACTIVE"]
    definitions = []
    for revisions in ecs.task_definitions.values():
        for definition in revisions.values():
            if definition.status == "ACTIVE":
                definitions.append({
                    **labels.learn(definition.arn, {}, f"{definition.family}:{definition.revision}"),
                    "tags": _pairs(definition.tags), "family": definition.family, "revision": definition.revision,
                    "cpu": definition.cpu, "memory": definition.memory, "network_mode": definition.network_mode,
                    "runtime_platform": labels.deep(definition.runtime_platform),
                    "task_role": labels.of(getattr(definition, "task_role_arn", None)),
                    "execution_role": labels.of(getattr(definition, "execution_role_arn", None)),
                    "volumes": labels.deep(definition.volumes),
                    "containers": labels.deep(definition.container_definitions)})
    services = [{**labels.learn(service.arn, {}, f"{service.cluster_name}/{service.name}"),
                 "tags": _pairs(service.tags), "status": service.status, "desired_count": service.desired_count,
                 "running_count": service.running_count, "launch_type": service.launch_type,
                 "task_definition": labels.of(service.task_definition),
                 "network": labels.deep(service.network_configuration),
                 "load_balancers": labels.deep(service.load_balancers),
                 "deployment": labels.deep(getattr(service, "deployment_configuration", None)),
                 "grace_period": getattr(service, "health_check_grace_period_seconds", None),
                 "execute_command": getattr(service, "enable_execute_command", None),
                 "propagate_tags": service.propagate_tags,
                 "deployments": [[shown["status"], shown["rolloutState"]] for shown in service.deployments]}
                for service in ecs.services.values() if service.status != "INACTIVE"]
    return {"ecs_clusters": found, "task_definitions": definitions, "ecs_services": services}


INSTANCE_FIELDS = ("db_instance_class", "engine", "engine_version", "allocated_storage", "max_allocated_storage",
                   "storage_type", "storage_encrypted", "iops", "multi_az", "publicly_accessible", "db_name",
                   "master_username", "port", "backup_retention_period", "deletion_protection",
                   "db_parameter_group_name", "availability_zone", "copy_tags_to_snapshot",
                   "auto_minor_version_upgrade", "enable_iam_database_authentication")


def databases(rds: Any, labels: Any) -> Found:
    groups = [{**labels.learn(group.arn, {}, group.name), "tags": _pairs(group.tags),
               "description": group.description, "subnets": labels.all(subnet.id for subnet in group._subnets)}
              for group in rds.subnet_groups.values()]
    parameters = [{**labels.learn(group.arn, {}, group.name), "tags": _pairs(group.tags), "family": group.family,
                   "description": group.description,
                   "parameters": {name: parameter.get("ParameterValue")
                                  for name, parameter in sorted(group.parameters.items())}}
                  for group in rds.db_parameter_groups.values() if not group.name.startswith("default.")]
    instances = [{**labels.learn(database.arn, {}, database.db_instance_identifier), "tags": _pairs(database.tags),
                  "status": database.status, **{name: labels.deep(getattr(database, name)) for name in INSTANCE_FIELDS},
                  "subnet_group": database.__dict__.get("_db_subnet_group_name"),
                  "security_groups": labels.all(database.vpc_security_group_ids),
                  "pending": sorted(database.pending_modified_values or {})}
                 for database in rds.databases.values()]
    snapshots = [{"label": name, "instance": snapshot.db_instance_identifier if hasattr(
        snapshot, "db_instance_identifier") else snapshot.database.db_instance_identifier}
        for name, snapshot in rds.database_snapshots.items() if snapshot.snapshot_type == "manual"]
    return {"db_instances": instances, "db_subnet_groups": groups, "db_parameter_groups": parameters,
            "db_snapshots": snapshots}


def repositories(ecr: Any, labels: Any) -> Found:
    return {"repositories": [
        {**labels.learn(repository.arn, {}, repository.name),
         "tags": _pairs(ecr.tagger.get_tag_dict_for_resource(repository.arn)),
         "mutability": repository.image_tag_mutability, "scanning": repository.image_scanning_configuration,
         "encryption": repository.encryption_configuration, "lifecycle": _json(repository.lifecycle_policy),
         "policy": _json(repository.policy),
         "images": sorted(tag for image in repository.images for tag in image.image_tags)}
        for repository in ecr.repositories.values()]}


def secret_list(manager: Any, labels: Any) -> Found:
    return {"secrets": [
        {**labels.learn(secret.arn, {}, secret.name), "tags": _pairs(secret.tags),
         "description": secret.description or "", "kms_key": secret.kms_key_id, "policy": _json(secret.policy),
         "versions": len(secret.versions), "scheduled_for_deletion": secret.is_deleted(), "keys": _keys(secret)}
        for secret in dict.values(manager.secrets)]}


def _keys(secret: Any) -> list[str]:
    """The names of the keys in the current value, never what they hold."""
    for version in secret.versions.values():
        if "AWSCURRENT" in version.get("version_stages", []):
            value = _json(version.get("secret_string"))
            return sorted(value) if isinstance(value, dict) else []
    return []


def log_groups(logs: Any, labels: Any) -> Found:
    return {"log_groups": [
        {**labels.learn(group.arn, {}, group.name), "tags": _pairs(logs.tagger.get_tag_dict_for_resource(group.arn)),
         "retention": None if group.retention_in_days is None else int(group.retention_in_days),
         "kms_key": group.kms_key_id}
        for group in logs.groups.values()]}


def roles(iam: Any, labels: Any) -> Found:
    found = [{**labels.learn(role.arn, {}, role.name), "tags": _pairs(role.tags), "path": role.path,
              "description": role.description or "", "trust": _json(role.assume_role_policy_document),
              "boundary": role.permissions_boundary_arn, "max_session": role.max_session_duration,
              "inline": {name: labels.deep(_json(text)) for name, text in sorted(role.policies.items())},
              "attached": sorted(role.managed_policies)}
             for role in iam.roles.values() if not role.path.startswith("/aws-service-role/")]
    policies = [{**labels.learn(arn, {}, policy.name), "tags": _pairs(policy.tags), "path": policy.path,
                 "versions": len(policy.versions), "attachments": policy.attachment_count}
                for arn, policy in iam.managed_policies.items() if not arn.startswith("arn:aws:iam::aws:")]
    return {"roles": found, "policies": policies}


def buckets(s3: Any, labels: Any) -> Found:
    found = []
    for bucket in s3.buckets.values():
        block = bucket.public_access_block
        found.append({
            **labels.learn(bucket.arn, {}, bucket.name), "region": bucket.region_name,
            "tags": _pairs(s3.tagger.get_tag_dict_for_resource(bucket.arn)), "versioning": bucket.versioning_status,
            "encryption": labels.deep(bucket.encryption), "ownership": bucket.ownership_rule,
            "public_access_block": block.to_config_dict() if block else None,
            "lifecycle": labels.deep(bucket.rules), "policy": labels.deep(_json(bucket.policy)),
            "cors": labels.deep(bucket.cors), "logging": labels.deep(bucket.logging),
            "objects": sum(len(versions) for _, versions in bucket.keys.lists()),
        })
    return {"buckets": found}


def extras(title: str, store: str, identity: str, name: str) -> Callable[[Any, Any], Found]:
    """A part for kinds of which only the existence matters here."""
    def part(backend: Any, labels: Any) -> Found:
        things = getattr(backend, store, {})
        values = list(things.values()) if hasattr(things, "values") else list(things)
        return {title: [labels.learn(getattr(thing, identity), {}, str(getattr(thing, name))) for thing in values]}
    return part
