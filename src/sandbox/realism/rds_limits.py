"""What RDS refuses about windows, storage, classes and names. Pages CreateDBInstance, ModifyDBInstance; user guide, "DB instance storage"."""

from __future__ import annotations

import re
from typing import Any

from .errors import refuse

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TIME = r"([01]\d|2[0-3]):([0-5]\d)"
BACKUP = re.compile(f"{TIME}-{TIME}")
MAINTENANCE = re.compile(f"({'|'.join(DAYS)}):{TIME}-({'|'.join(DAYS)}):{TIME}")
CLASS = re.compile(r"db\.[a-z0-9-]+\.[a-z0-9-]+")
WEEK = 7 * 24 * 60
# PostgreSQL's and RDS's own names.
USERS = {"admin", "rdsadmin", "rdsrepladmin", "rdsproxyadmin", "rds_superuser", "rds_replication", "rds_password"}
DATABASES = {"template0", "template1", "rdsadmin"}


def check_windows(backup: str | None, maintenance: str | None) -> None:
    """Both windows have their form and half an hour, and do not overlap."""
    first = _backup_minutes(backup) if backup else None
    second = _maintenance_minutes(maintenance.lower()) if maintenance else None
    if first is None or second is None:
        return
    start, end = second
    for day in range(-1, 8):
        begin = first[0] + day * 1440
        if begin < end and start < begin + (first[1] - first[0]):
            raise refuse("InvalidParameterValue", "The backup window and maintenance window must not overlap.")


def _backup_minutes(window: str) -> tuple[int, int]:
    found = BACKUP.fullmatch(window)
    if not found:
        raise refuse("InvalidParameterValue", f"Invalid backup window format: {window}. Should be specified as a range "
                                              "hh24:mi-hh24:mi (24H Clock UTC).")
    begin, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    end += 1440 if end <= begin else 0
    if end - begin < 30:
        raise refuse("InvalidParameterValue", "The backup window must be at least 30 minutes.")
    return begin, end


def _maintenance_minutes(window: str) -> tuple[int, int]:
    found = MAINTENANCE.fullmatch(window)
    if not found:
        raise refuse("InvalidParameterValue", f"Invalid maintenance window format: {window}. Should be specified as a range "
                                              "ddd:hh24:mi-ddd:hh24:mi (24H Clock UTC).")
    begin = DAYS.index(found[1]) * 1440 + int(found[2]) * 60 + int(found[3])
    end = DAYS.index(found[4]) * 1440 + int(found[5]) * 60 + int(found[6])
    end += WEEK if end <= begin else 0
    if not 30 <= end - begin < 1440:
        raise refuse("InvalidParameterValue", "The maintenance window must be at least 30 minutes and less than 24 hours.")
    return begin, end


def check_new(asked: dict[str, Any]) -> None:
    """A new instance's class, names and storage."""
    check_class(asked.get("db_instance_class"))
    check_windows(asked.get("preferred_backup_window"), asked.get("preferred_maintenance_window"))
    if asked.get("engine") == "postgres":
        user, name = str(asked.get("master_username") or ""), str(asked.get("db_name") or "")
        if user.lower() in USERS or user.lower().startswith("pg_"):
            raise refuse("InvalidParameterValue", f"MasterUsername {user} cannot be used as it is a reserved word used by the engine")
        if name.lower() in DATABASES:
            raise refuse("InvalidParameterValue", f"DBName {name} cannot be used. It is a reserved word for this engine")
    kind, size = asked.get("storage_type") or "gp2", int(asked.get("allocated_storage") or 0)
    iops, throughput = asked.get("iops"), asked.get("storage_throughput")
    if kind in ("io1", "io2") and not iops:
        raise refuse("InvalidParameterCombination", f"You must specify an IOPS value for storage type {kind}.")
    if (iops or throughput) and not _provisioned(kind, size):
        raise refuse("InvalidParameterCombination", f"You can't specify IOPS or storage throughput for engine {asked.get('engine')} and "
                                                    "a storage size less than 400.")


def check_class(name: str | None) -> None:
    if name and not CLASS.fullmatch(name):
        raise refuse("InvalidParameterValue", f"Invalid DB Instance class: {name}")


def _provisioned(kind: str, size: int) -> bool:
    """Whether IOPS can be chosen."""
    return kind in ("io1", "io2") or (kind == "gp3" and size >= 400)


def check_storage_change(database: Any, asked: dict[str, Any]) -> None:
    """Storage and IOPS go together where IOPS can be chosen; storage grows by a tenth at least."""
    name, now = database.db_instance_identifier, int(database.allocated_storage)
    size = int(asked.get("allocated_storage") or now)
    kind = asked.get("storage_type") or database.storage_type or "gp2"
    if now < size < now * 1.1:
        raise refuse("InvalidParameterCombination", f"The allocated storage of {name} must be increased by at least 10 percent.")
    changed = {key for key, current in (("allocated_storage", now), ("iops", database.iops))
               if asked.get(key) is not None and str(asked[key]) != str(current)}
    if _provisioned(kind, size):
        if changed and (asked.get("iops") is None or asked.get("allocated_storage") is None):
            raise refuse("InvalidParameterCombination", "You must specify both the storage size and iops when modifying the storage size "
                                                        "or iops on a DB instance that has iops")
    elif asked.get("iops") is not None or asked.get("storage_throughput") is not None:
        raise refuse("InvalidParameterCombination", f"You can't specify IOPS or storage throughput for engine {database.engine} and a "
                                                    "storage size less than 400.")
