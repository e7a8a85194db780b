"""Services: what CreateService, UpdateService and DeleteService refuse, and the fields moto forgets."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ecs.models import EC2ContainerServiceBackend, Service
from moto.ecs.responses import EC2ContainerServiceResponse

from .ecs_rollout import Rollout
from .errors import refuse
from .patch import replaces

# Fields of a request that are shown again as they were given.
KEPT = {
    "healthCheckGracePeriodSeconds": "health_check_grace_period_seconds",
    "enableExecuteCommand": "enable_execute_command", "enableECSManagedTags": "enable_ecs_managed_tags",
    "placementConstraints": "placement_constraints", "placementStrategy": "placement_strategy",
    "availabilityZoneRebalancing": "availability_zone_rebalancing", "platformVersion": "platform_version",
    "capacityProviderStrategy": "capacity_provider_strategy", "serviceRegistries": "service_registries",
    "propagateTags": "propagate_tags", "loadBalancers": "load_balancers",
    "networkConfiguration": "network_configuration",
}
# A change of one of these replaces the tasks.
ROLLING = {"taskDefinition", "networkConfiguration", "loadBalancers", "platformVersion", "capacityProviderStrategy",
           "serviceRegistries", "enableExecuteCommand", "propagateTags", "enableECSManagedTags"}


def install() -> None:
    _counts()
    _create()
    _update()
    _delete()
    _describe()


def invalid(message: str):
    return refuse("InvalidParameterException", message)


def _counts() -> None:
    """Counts and deployments follow from the tasks; moto's own are ignored."""
    def counted(key: str):
        return property(lambda self: sum(shown[key] for shown in self.deployments), lambda self, value: None)

    def deployments(self):
        rollout = self.__dict__.get("rollout")
        return [deployment.shown(self.launch_type) for deployment in rollout.deployments] if rollout else []

    Service.deployments = property(deployments, lambda self, value: None)
    Service.running_count, Service.pending_count = counted("runningCount"), counted("pendingCount")
    Service.platform_family = "Linux"
    EC2ContainerServiceBackend.update_cluster_resources = lambda self, cluster, task_num, task_state="RUNNING": None


def _create() -> None:
    @replaces(EC2ContainerServiceResponse, "create_service")
    def create_service(original, self):
        asked = dict(self._get_params())
        service = _made(self.ecs_backend, asked)
        self._include_in_response("CreateServiceResponse.service.Service.tags")
        return ActionResult({"service": service})


def _made(ecs: Any, asked: dict[str, Any]) -> Service:
    cluster = ecs.clusters.get(str(asked.get("cluster") or "default").split("/")[-1])
    if cluster is None or cluster.status != "ACTIVE":
        raise refuse("ClusterNotFoundException", "Cluster not found.")
    name, token = asked["serviceName"], asked.get("clientToken")
    known = ecs.services.get(f"{cluster.name}:{name}")
    if known is not None and known.status == "ACTIVE":
        if token and known.__dict__.get("_token") == (token, _without_token(asked)):
            return known
        raise invalid("Creation of service was not idempotent.")
    if known is not None and known.status == "DRAINING":
        raise invalid("Unable to Start a service that is still Draining.")
    definition = _definition(ecs, asked)
    fargate = asked.get("launchType") == "FARGATE" or any(
        str(entry.get("capacityProvider", "")).startswith("FARGATE")
        for entry in asked.get("capacityProviderStrategy") or [])
    _check_network(ecs, asked, definition, fargate)
    _check_balancers(ecs, asked.get("loadBalancers") or [], definition)
    # Before anything is made: a refused service is not there.
    _configuration({}, asked.get("deploymentConfiguration"))
    network = asked.get("networkConfiguration")
    if network:
        network["awsvpcConfiguration"].setdefault("securityGroups", [])
        network["awsvpcConfiguration"].setdefault("assignPublicIp", "DISABLED")
    service = ecs.create_service(
        cluster.name, name, int(asked.get("desiredCount") or 0), definition.arn, asked.get("loadBalancers"),
        asked.get("schedulingStrategy"), asked.get("tags"), asked.get("deploymentController"),
        asked.get("launchType") or ("FARGATE" if fargate else "EC2"), network_configuration=network,
        service_registries=asked.get("serviceRegistries"),
        platform_version=asked.get("platformVersion") or ("LATEST" if fargate else None),
        propagate_tags=asked.get("propagateTags") or "NONE", role_arn=asked.get("role"))
    service._token = (token, _without_token(asked))
    if asked.get("capacityProviderStrategy"):
        service.launch_type, service.capacity_provider_strategy = None, asked["capacityProviderStrategy"]
    _defaults(service, asked)
    service.rollout = Rollout(ecs, service)
    service.rollout.deploy()
    return service


def _without_token(asked: dict[str, Any]) -> str:
    return repr(sorted((key, repr(value)) for key, value in asked.items() if key != "clientToken"))


def _defaults(service: Service, asked: dict[str, Any]) -> None:
    service.created_at = utcnow()
    service.created_by = f"arn:aws:iam::{service._account_id}:user/sandbox"
    service.health_check_grace_period_seconds = asked.get("healthCheckGracePeriodSeconds", 0)
    service.enable_execute_command = bool(asked.get("enableExecuteCommand"))
    service.enable_ecs_managed_tags = bool(asked.get("enableECSManagedTags"))
    service.placement_constraints = asked.get("placementConstraints") or []
    service.placement_strategy = asked.get("placementStrategy") or []
    service.availability_zone_rebalancing = asked.get("availabilityZoneRebalancing") or "ENABLED"
    service.deployment_configuration = _configuration({}, asked.get("deploymentConfiguration"))


def _configuration(known: dict[str, Any], asked: dict[str, Any] | None) -> dict[str, Any]:
    merged = {"maximumPercent": 200, "minimumHealthyPercent": 100, "strategy": "ROLLING", "bakeTimeInMinutes": 0,
              "deploymentCircuitBreaker": {"enable": False, "rollback": False}, **known, **(asked or {})}
    most, least = int(merged["maximumPercent"]), int(merged["minimumHealthyPercent"])
    if most < 100 or least > 100 or most == least == 100:
        raise invalid("Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments."
                      if most == least == 100 else "Invalid deploymentConfiguration percentages.")
    return merged


def _definition(ecs: Any, asked: dict[str, Any]) -> Any:
    if not asked.get("taskDefinition"):
        raise invalid("TaskDefinition can not be blank.")
    definition = ecs.describe_task_definition(asked["taskDefinition"])
    if definition.status != "ACTIVE":
        raise refuse("ClientException", "TaskDefinition is inactive")
    return definition


def _check_network(ecs: Any, asked: dict[str, Any], definition: Any, fargate: bool) -> None:
    settings = (asked.get("networkConfiguration") or {}).get("awsvpcConfiguration")
    if definition.network_mode == "awsvpc" and not settings:
        raise invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
    if fargate and "FARGATE" not in (definition.requires_compatibilities or []):
        raise invalid("Task definition does not support launch_type FARGATE.")
    if settings:
        check_subnets(ecs, settings)


def check_subnets(ecs: Any, settings: dict[str, Any]) -> None:
    """All subnets and groups exist and lie in one VPC."""
    from moto.ec2.models import ec2_backends

    ec2 = ec2_backends[ecs.account_id][ecs.region_name]
    subnets = {subnet.id: subnet for subnet in ec2.describe_subnets()}
    for subnet_id in settings.get("subnets") or []:
        if subnet_id not in subnets:
            raise invalid(f"Error retrieving subnet information for [{subnet_id}]: The subnet ID '{subnet_id}' does "
                          "not exist (ErrorCode: InvalidSubnetID.NotFound)")
    vpcs = {subnets[subnet_id].vpc_id for subnet_id in settings.get("subnets") or []}
    if len(vpcs) > 1:
        raise invalid("Subnets must all be in the same VPC.")
    for group_id in settings.get("securityGroups") or []:
        group = ec2.get_security_group_from_id(group_id)
        if group is None:
            raise invalid(f"Error retrieving security group information for [{group_id}]: The security group "
                          f"'{group_id}' does not exist (ErrorCode: InvalidGroup.NotFound)")
        if vpcs and group.vpc_id not in vpcs:
            raise invalid(f"Security Group {group_id} does not appear to belong to the same VPC as the input subnets.")


def _check_balancers(ecs: Any, balancers: list[dict[str, Any]], definition: Any) -> None:
    from moto.elbv2.models import elbv2_backends

    elb = elbv2_backends[ecs.account_id][ecs.region_name]
    containers = {entry.get("name"): entry for entry in definition.container_definitions}
    for balancer in balancers:
        container = containers.get(balancer.get("containerName"))
        if container is None:
            raise invalid(f"The container {balancer.get('containerName')} does not exist in the task definition.")
        ports = [int(entry.get("containerPort", 0)) for entry in container.get("portMappings") or []]
        if int(balancer.get("containerPort") or 0) not in ports:
            raise invalid(f"The container {container['name']} did not have a container port "
                          f"{balancer.get('containerPort')} defined.")
        arn = balancer.get("targetGroupArn")
        group = elb.target_groups.get(arn)
        if group is None:
            raise invalid(f"The target group {arn} does not exist.")
        if definition.network_mode == "awsvpc" and group.target_type != "ip":
            raise invalid(f"The provided target group {arn} has target type {group.target_type}, which is "
                          "incompatible with the awsvpc network mode specified in the task definition.")
        if not group.load_balancer_arns:
            raise invalid(f"The target group with targetGroupArn {arn} does not have an associated load balancer.")


def _update() -> None:
    @replaces(EC2ContainerServiceResponse, "update_service")
    def update_service(original, self):
        return ActionResult({"service": _changed(self.ecs_backend, dict(self._get_params()))})


def _changed(ecs: Any, asked: dict[str, Any]) -> Service:
    service = ecs._get_service(str(asked.get("cluster") or "default"), str(asked["service"]))
    if service.status != "ACTIVE":
        raise refuse("ServiceNotActiveException", "Service was not ACTIVE.")
    if asked.get("taskDefinition"):
        asked["taskDefinition"] = _definition(ecs, asked).arn
    definition = ecs.describe_task_definition(asked.get("taskDefinition") or service.task_definition)
    network = asked.get("networkConfiguration")
    if network:
        network["awsvpcConfiguration"].setdefault("securityGroups", [])
        network["awsvpcConfiguration"].setdefault("assignPublicIp", "DISABLED")
        check_subnets(ecs, network["awsvpcConfiguration"])
    if asked.get("loadBalancers") is not None:
        _check_balancers(ecs, asked["loadBalancers"], definition)
    if asked.get("deploymentConfiguration") is not None:
        service.deployment_configuration = _configuration(service.deployment_configuration,
                                                          asked["deploymentConfiguration"])
    rolling = bool(asked.get("forceNewDeployment"))
    for key, attribute in {**KEPT, "taskDefinition": "task_definition"}.items():
        if asked.get(key) is not None:
            rolling = rolling or (key in ROLLING and asked[key] != getattr(service, attribute, None))
            setattr(service, attribute, asked[key])
    if asked.get("desiredCount") is not None:
        service.desired_count = int(asked["desiredCount"])
    if rolling:
        service.rollout.deploy()
    elif service.rollout.primary.desired != service.desired_count:
        service.rollout.scale(service.desired_count)
    return service


def _delete() -> None:
    @replaces(EC2ContainerServiceBackend, "delete_service")
    def delete_service(original, self, cluster_name, service_name, force):
        service = self._get_service(cluster_name, service_name)
        if service.status == "INACTIVE":
            raise refuse("ServiceNotActiveException", "Service was not ACTIVE.")
        if service.status == "DRAINING":
            return service
        if not force and service.desired_count > 0:
            raise invalid("The service cannot be stopped while it is scaled above 0.")
        if not force and len(service.rollout.deployments) > 1:
            raise invalid("The service cannot be stopped while deployments are active.")
        service.status, service.desired_count = "DRAINING", 0
        service.rollout.primary.desired = 0
        service.rollout.drain()
        return service


def _describe() -> None:
    @replaces(EC2ContainerServiceResponse, "describe_services")
    def describe_services(original, self):
        asked = self._get_param("services", [])
        if not asked:
            raise invalid("Services cannot be empty.")
        if len(asked) > 10:
            raise invalid("Services cannot have more than 10 elements.")
        return original(self)

    @replaces(EC2ContainerServiceBackend, "_get_service")
    def get_service(original, self, cluster_str, service_str):
        cluster = self._get_cluster(cluster_str)
        found = self.services.get(f"{cluster.name}:{service_str.split('/')[-1]}")
        if found is None:
            raise refuse("ServiceNotFoundException", "Service not found.")
        return found
