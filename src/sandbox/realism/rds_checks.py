"""What RDS refuses, apart from when. No message ever holds a password."""

from __future__ import annotations

import re

from .errors import refuse
from .rds_limits import check_class, check_new, check_storage_change, check_windows

# What a bare major version becomes. AWS picks its own default minor version, which moves with time.
DEFAULT_MINOR = {"postgres": {"12": "12.22", "13": "13.20", "14": "14.17", "15": "15.12", "16": "16.8", "17": "17.4"}}
FLAGS = {"db_instance_identifier", "apply_immediately", "allow_major_version_upgrade"}


def full_version(engine: str, version: str | None) -> str:
    """The version that is installed when `version` is asked for: "15" becomes a 15.x."""
    known = DEFAULT_MINOR.get(engine, {})
    if version is None:
        version = max(known, key=int) if known else "8.0.41"
    return known.get(str(version), str(version))


def check_password(password: str | None) -> None:
    if password is None:
        return
    if len(password) < 8:
        raise refuse("InvalidParameterValue", "The parameter MasterUserPassword is not a valid password because it "
                                              "is shorter than 8 characters.")
    if len(password) > 128:
        raise refuse("InvalidParameterValue", "The parameter MasterUserPassword is not a valid password because it "
                                              "is longer than 128 characters.")
    if re.search(r'[/@" ]|[^\x20-\x7e]', password):
        raise refuse("InvalidParameterValue", "The parameter MasterUserPassword is not a valid password. Only "
                                              "printable ASCII characters besides '/', '@', '\"', ' ' may be used.")


def check_create(rds, asked) -> None:
    """Refuse what CreateDBInstance refuses."""
    name = asked["db_instance_identifier"]
    if name in rds.databases:
        raise refuse("DBInstanceAlreadyExists", "DB instance already exists")
    if not asked.get("manage_master_user_password"):
        if not asked.get("master_user_password"):
            raise refuse("InvalidParameterValue",
                         "The parameter MasterUserPassword must be provided and must not be blank.")
        check_password(asked.get("master_user_password"))
    check_new(asked)
    storage = asked.get("allocated_storage")
    if storage is not None and int(storage) < 20 and asked.get("storage_type") in (None, "gp2", "gp3"):
        raise refuse("InvalidParameterCombination", f"Invalid storage size for engine name {asked.get('engine')} and "
                                                    f"storage type {asked.get('storage_type') or 'gp2'}: {storage}")
    _check_groups(rds, asked)


def _check_groups(rds, asked) -> None:
    ec2 = rds.get_backend("ec2", region=rds.region_name)
    for group_id in asked.get("vpc_security_group_ids") or []:
        group = ec2.get_security_group_from_id(group_id)
        if group is None:
            raise refuse("InvalidParameterValue", f"Invalid security group, groupId= {group_id}, groupName=.")
        if asked.get("db_subnet_group_name"):
            vpc_id = rds.describe_db_subnet_groups(asked["db_subnet_group_name"])[0].vpc_id
            if group.vpc_id != vpc_id:
                raise refuse("InvalidVPCNetworkStateFault", "The DB instance and EC2 security group are in different "
                                                            f"VPCs. The DB instance is in {vpc_id} and the EC2 "
                                                            f"security group is in {group.vpc_id}")
    name = asked.get("db_parameter_group_name")
    if name and name in rds.db_parameter_groups and asked.get("engine") == "postgres":
        family = rds.db_parameter_groups[name].family
        major = full_version("postgres", asked.get("engine_version")).split(".")[0]
        if family != f"postgres{major}":
            raise refuse("InvalidParameterCombination", f"The parameter group {name} with DBParameterGroupFamily "
                                                        f"{family} cannot be used for this instance. Please use a "
                                                        f"parameter group with DBParameterGroupFamily "
                                                        f"postgres{major}")


def check_modify(rds, database, asked) -> None:
    """Refuse what ModifyDBInstance refuses, in AWS's order: state, then values."""
    name = database.db_instance_identifier
    if database.status not in ("available", "storage-optimization", "storage-full"):
        raise refuse("InvalidDBInstanceState", f"Database instance {name} is not in available state.")
    if not any(value is not None for key, value in asked.items() if key not in FLAGS):
        raise refuse("InvalidParameterCombination", "No modifications were requested")
    check_password(asked.get("master_user_password"))
    storage = asked.get("allocated_storage")
    if storage is not None and int(storage) < int(database.allocated_storage):
        raise refuse("InvalidParameterCombination", f"New storage size for {name} must be greater than current "
                                                    "storage size")
    check_storage_change(database, asked)
    check_class(asked.get("db_instance_class"))
    check_windows(asked.get("preferred_backup_window") or database.preferred_backup_window,
                  asked.get("preferred_maintenance_window") or database.preferred_maintenance_window)
    _check_upgrade(database, asked)
    _check_groups(rds, {"vpc_security_group_ids": asked.get("vpc_security_group_ids")})


def _check_upgrade(database, asked) -> None:
    wanted = asked.get("engine_version")
    if not wanted or not re.fullmatch(r"[\d.]+", str(database.engine_version)):
        return
    now, then = ([int(part) for part in str(text).split(".")] for text in (database.engine_version, wanted))
    if then < now:
        raise refuse("InvalidParameterCombination",
                     f"Cannot upgrade {database.engine} from {database.engine_version} to {wanted}")
    if then[0] > now[0] and not asked.get("allow_major_version_upgrade"):
        raise refuse("InvalidParameterCombination", "The AllowMajorVersionUpgrade flag must be present when "
                                                    "upgrading to a new major version.")


def check_delete(rds, database, snapshot: str | None, skip: bool | None) -> None:
    """Refuse what DeleteDBInstance refuses: twice, protected, or without a word about the last snapshot."""
    name = database.db_instance_identifier
    if database.status == "deleting":
        raise refuse("InvalidDBInstanceState", f"Instance {name} is already being deleted.")
    if database.deletion_protection:
        raise refuse("InvalidParameterCombination", "Cannot delete protected DB Instance, please disable deletion "
                                                    "protection and try again.")
    if skip and snapshot:
        raise refuse("InvalidParameterCombination", "FinalDBSnapshotIdentifier can not be specified when "
                                                    "SkipFinalSnapshot is enabled.")
    if not skip and not snapshot:
        raise refuse("InvalidParameterCombination",
                     "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.")
    if snapshot and snapshot in rds.database_snapshots:
        raise refuse("DBSnapshotAlreadyExists",
                     f"Cannot create the snapshot because a snapshot with the identifier {snapshot} already exists.")
    if snapshot and database.status != "available":
        raise refuse("InvalidDBInstanceState", f"Cannot create a snapshot because the database instance {name} is "
                                               "not currently in the available state.")
