"""RDS instances: they are created, changed and deleted slowly. API pages: CreateDBInstance, ModifyDBInstance,
DeleteDBInstance."""

from __future__ import annotations

import secrets

from moto.rds.models import DBInstance, RDSBackend

from . import interfaces
from .clock import CLOCK
from .errors import refuse
from .lag import LAG
from .patch import replaces
from .rds_checks import check_create, check_delete, check_modify, full_version

# keyword of moto's update -> name in PendingModifiedValues. Everything else applies at once whatever is asked.
DEFERRED = {
    "db_instance_class": "DBInstanceClass", "allocated_storage": "AllocatedStorage", "multi_az": "MultiAZ",
    "backup_retention_period": "BackupRetentionPeriod", "engine_version": "EngineVersion", "iops": "Iops",
    "storage_type": "StorageType", "port": "Port", "ca_certificate_identifier": "CACertificateIdentifier",
    "master_user_password": "MasterUserPassword", "storage_throughput": "StorageThroughput",
}
# As CreateDBInstance calls them; ModifyDBInstance has its own name for the port.
RENAMED = {"db_port_number": "port"}


def install() -> None:
    import moto.rds.models

    # rds_limits holds the windows' rules; moto's do not know a week's end.
    moto.rds.models.valid_preferred_maintenance_window = lambda *_: None

    moto_endpoint = DBInstance.endpoint

    def endpoint(self):
        # Absent until the instance has one.
        return moto_endpoint.fget(self) if self.__dict__.get("_reachable", True) else None

    DBInstance.endpoint = property(endpoint)
    DBInstance.pending_modified_values = None
    DBInstance.address = property(lambda self: (f"{self.db_instance_identifier}.{self._host}."
                                                f"{self.region}.rds.amazonaws.com"))
    DBInstance._host = "csandbox0000"
    _create()
    _modify()
    _delete()
    _reboot()


def _create() -> None:
    @replaces(RDSBackend, "create_db_instance")
    def create_db_instance(original, self, db_kwargs):
        if db_kwargs.get("db_cluster_identifier"):
            return original(self, db_kwargs)
        check_create(self, db_kwargs)
        asked = dict(db_kwargs.items())
        asked["engine_version"] = full_version(asked["engine"], asked.get("engine_version"))
        group = self.describe_db_subnet_groups(asked["db_subnet_group_name"])[0] \
            if asked.get("db_subnet_group_name") else None
        ec2 = self.get_backend("ec2", region=self.region_name)
        if group is not None:
            asked["vpc_security_group_ids"] = asked.get("vpc_security_group_ids") or [
                ec2.get_default_security_group(group.vpc_id).id]
            zones = sorted(subnet.availability_zone for subnet in group._subnets)
            asked["availability_zone"] = asked.get("availability_zone") or zones[0]
        asked["publicly_accessible"] = bool(asked.get("publicly_accessible"))
        database = original(self, asked)
        database.dbi_resource_id = "db-" + secrets.token_hex(13).upper()
        database._host = "c" + secrets.token_hex(5)
        database.status, database._reachable = "creating", False
        database.pending_modified_values = {}
        _insights(database, asked)
        _attach(ec2, database, group)
        CLOCK.after("rds.create", lambda: _born(database))
        return database


def _insights(database, asked: dict) -> None:
    """Performance Insights, which moto forgets."""
    if asked.get("enable_performance_insights") is not None:
        database.performance_insights_enabled = bool(asked["enable_performance_insights"])
    if getattr(database, "performance_insights_enabled", False):
        for name, default in (("performance_insights_retention_period", 7), ("performance_insights_kms_key_id", None)):
            value = asked.get(name) or getattr(database, name, None) or default
            if value is not None:
                setattr(database, name, value)


def _attach(ec2, database, group) -> None:
    database.interfaces = []
    if group is None:
        return
    zones = {subnet.availability_zone: subnet for subnet in group._subnets}
    first = zones.get(database.availability_zone) or group._subnets[0]
    second = next((subnet for zone, subnet in sorted(zones.items()) if subnet is not first), None)
    for subnet in [first, second] if database.multi_az and second else [first]:
        eni = interfaces.add_interface(ec2, subnet.id, database.vpc_security_group_ids, "RDSNetworkInterface",
                                       attached_by="amazon-rds", requester="amazon-rds",
                                       public=bool(database.publicly_accessible))
        database.interfaces.append(eni)


def _born(database) -> None:
    if database.status != "creating":
        return
    database._reachable = True
    if not database.backup_retention_period:
        database.status = "available"
        return
    database.status = "backing-up"
    CLOCK.after("rds.backup", lambda: _available(database, "backing-up"))


def _available(database, coming_from: str) -> None:
    if database.status == coming_from:
        database.status = "available"


def _modify() -> None:
    @replaces(RDSBackend, "modify_db_instance")
    def modify_db_instance(original, self, db_instance_identifier, db_kwargs):
        database = self.describe_db_instances(db_instance_identifier)[0]
        asked = {RENAMED.get(key, key): value for key, value in db_kwargs.items()}
        if asked.get("engine_version"):
            asked["engine_version"] = full_version(database.engine, asked["engine_version"])
        LAG.carry_out(db_instance_identifier)
        check_modify(self, database, asked)
        if LAG.change_late(db_instance_identifier, lambda: _change_now(original, self, database, asked)):
            return database
        return _change_now(original, self, database, asked)


def _change_now(original, rds, database, asked: dict):
    """What is not deferred changes at once, the rest is pending."""
    pending = {}
    for key in DEFERRED:
        if key in asked:
            value = asked.pop(key)
            current = None if key == "master_user_password" else getattr(database, key, None)
            if value is not None and str(value) != str(current):
                pending[key] = value
    answer = original(rds, database.db_instance_identifier, asked)
    _insights(database, asked)
    _regroup(rds, database)
    waiting = database.__dict__.setdefault("_waiting", {})
    waiting.update(pending)
    database.pending_modified_values = _shown(waiting)
    if asked.get("apply_immediately") and waiting:
        # The status stays as it is for a while before it says that it changes.
        CLOCK.after("rds.modify.start", lambda: _begin_change(database))
    return answer


def _shown(waiting: dict) -> dict:
    return {DEFERRED[key]: "****" if key == "master_user_password" else value for key, value in waiting.items()}


def _regroup(rds, database) -> None:
    """The interfaces follow the instance's security groups."""
    ec2 = rds.get_backend("ec2", region=rds.region_name)
    groups = [group for group in map(ec2.get_security_group_from_id, database.vpc_security_group_ids) if group]
    for eni in database.__dict__.get("interfaces", []):
        eni._group_set = groups


def _begin_change(database) -> None:
    if database.status == "available" and database._waiting:
        database.status = "modifying"
        CLOCK.after("rds.modify", lambda: _change(database))


def _change(database) -> None:
    if database.status != "modifying":
        return
    for key, value in database._waiting.items():
        setattr(database, key, value)
    database._waiting.clear()
    database.pending_modified_values = {}
    database.status = "available"


def _delete() -> None:
    @replaces(RDSBackend, "delete_db_instance")
    def delete_db_instance(original, self, db_instance_identifier, final_db_snapshot_identifier=None,
                           skip_final_snapshot=False, delete_automated_backups=True):
        database = self.describe_db_instances(db_instance_identifier)[0]
        if database.db_cluster_identifier:
            return original(self, db_instance_identifier, final_db_snapshot_identifier, skip_final_snapshot,
                            delete_automated_backups)
        check_delete(self, database, final_db_snapshot_identifier, skip_final_snapshot)
        if final_db_snapshot_identifier:
            self.create_db_snapshot(db_instance_identifier, final_db_snapshot_identifier, snapshot_type="manual")
        database.status = "deleting"

        def gone() -> None:
            if self.databases.get(db_instance_identifier) is not database:
                return
            original(self, db_instance_identifier, None, True, delete_automated_backups)
            ec2 = self.get_backend("ec2", region=self.region_name)
            for eni in database.interfaces:
                interfaces.remove_interface(ec2, eni.id)

        CLOCK.after("rds.delete", gone)
        return database


def _reboot() -> None:
    @replaces(RDSBackend, "reboot_db_instance")
    def reboot_db_instance(original, self, db_instance_identifier):
        database = original(self, db_instance_identifier)
        if database.status != "available":
            raise refuse("InvalidDBInstanceState", f"Instance {db_instance_identifier} is not in available state.")
        database.status = "rebooting"
        CLOCK.after("rds.reboot", lambda: _available(database, "rebooting"))
        return database
