"""DB subnet groups and parameter groups. API pages: CreateDBSubnetGroup, DeleteDBParameterGroup."""

from __future__ import annotations

from moto.core.responses import ActionResult
from moto.rds.models import RDSBackend
from moto.rds.responses import RDSResponse

from .errors import refuse
from .patch import replaces


def install() -> None:
    _subnet_groups()
    _parameter_groups()


def _check_subnets(subnets) -> None:
    if len({subnet.vpc_id for subnet in subnets}) > 1:
        raise refuse("InvalidSubnet", "Subnets must be in the same VPC.")
    zones = sorted({subnet.availability_zone for subnet in subnets})
    if len(zones) < 2:
        raise refuse("DBSubnetGroupDoesNotCoverEnoughAZs",
                     "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ "
                     f"coverage: {', '.join(zones)}. Add subnets to cover at least 2 AZs.")


def _subnet_groups() -> None:
    for method in ("create_db_subnet_group", "modify_db_subnet_group"):
        @replaces(RDSResponse, method)
        def with_known_subnets(original, self):
            from moto.ec2.models import ec2_backends

            known = {subnet.id for subnet in ec2_backends[self.current_account][self.region].describe_subnets()}
            missing = [subnet for subnet in self.params.get("SubnetIds", []) if subnet not in known]
            if missing:
                raise refuse("InvalidSubnet", f"Some input subnets in :[{', '.join(missing)}] are invalid.")
            return original(self)

    @replaces(RDSBackend, "create_subnet_group")
    def create_subnet_group(original, self, subnet_name, description, subnets, tags):
        if subnet_name in self.subnet_groups:
            raise refuse("DBSubnetGroupAlreadyExists", f"The DB subnet group '{subnet_name}' already exists.")
        _check_subnets(subnets)
        return original(self, subnet_name, description, subnets, tags)

    @replaces(RDSBackend, "modify_db_subnet_group")
    def modify_db_subnet_group(original, self, subnet_name, description, subnets):
        group = self.describe_db_subnet_groups(subnet_name)[0]
        _check_subnets(subnets)
        kept = {subnet.id for subnet in subnets}
        for database in _members(self, subnet_name):
            if any(eni.subnet.id not in kept for eni in database.interfaces):
                raise refuse("SubnetAlreadyInUse", "Some of the subnets to be deleted are currently in use")
        # moto takes the group out of its list here and does not put it back.
        group.subnets = subnets
        if description is not None:
            group.description = description
        return group

    @replaces(RDSBackend, "delete_subnet_group")
    def delete_subnet_group(original, self, subnet_name):
        members = _members(self, subnet_name)
        if members:
            raise refuse("InvalidDBSubnetGroupStateFault",
                         f"Cannot delete the subnet group '{subnet_name}' because at least one database instance: "
                         f"{members[0].db_instance_identifier} is still using it.")
        return original(self, subnet_name)


def _members(rds, subnet_name: str) -> list:
    return [database for database in rds.databases.values()
            if str(database.__dict__.get("_db_subnet_group_name") or "").lower() == subnet_name.lower()]


def _parameter_groups() -> None:
    @replaces(RDSBackend, "delete_db_parameter_group")
    def delete_db_parameter_group(original, self, db_parameter_group_name):
        if db_parameter_group_name.startswith("default."):
            raise refuse("InvalidParameterValue", f"Default DBParameterGroup cannot be deleted: "
                                                  f"{db_parameter_group_name}")
        if any(database.db_parameter_group_name == db_parameter_group_name for database in self.databases.values()):
            raise refuse("InvalidDBParameterGroupState", "One or more database instances are still members of this "
                                                         f"parameter group {db_parameter_group_name}, so the group "
                                                         "cannot be deleted")
        return original(self, db_parameter_group_name)

    @replaces(RDSBackend, "describe_db_parameter_groups")
    def describe_db_parameter_groups(original, self, db_parameter_group_kwargs):
        found = original(self, db_parameter_group_kwargs)
        name = db_parameter_group_kwargs.get("db_parameter_group_name")
        if name and not found:
            raise refuse("DBParameterGroupNotFound", f"DBParameterGroup not found: {name}", 404)
        return found

    @replaces(RDSBackend, "modify_db_parameter_group")
    def modify_db_parameter_group(original, self, db_parameter_group_name, db_parameter_group_parameters):
        parameters = list(db_parameter_group_parameters)
        if len(parameters) > 20:
            raise refuse("InvalidParameterValue", "The request can modify at most 20 parameters.")
        for parameter in parameters:
            parameter.setdefault("Source", "user")
            parameter.setdefault("IsModifiable", True)
        return original(self, db_parameter_group_name, parameters)

    RDSResponse.reset_db_parameter_group = _reset


def _reset(self) -> ActionResult:
    """ResetDBParameterGroup, which moto lacks: named parameters, or all of them, go back to the engine's defaults."""
    name = self.params.get("DBParameterGroupName")
    group = self.backend.describe_db_parameter_groups({"db_parameter_group_name": name})[0]
    named = [parameter["ParameterName"] for parameter in self.params.get("Parameters", [])]
    for parameter in named or list(group.parameters):
        group.parameters.pop(parameter, None)
    return ActionResult({"DBParameterGroupName": name})
