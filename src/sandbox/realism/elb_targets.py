"""Target groups: repeated creates, what uses them, and targets that become healthy with time."""

from __future__ import annotations

from moto.elbv2.models import ELBv2Backend, FakeHealthStatus, FakeTargetGroup, elbv2_backends

from .clock import CLOCK
from .errors import refuse
from .patch import replaces

# keyword of moto's create_target_group -> attribute of its target group
SETTINGS = {
    "vpc_id": "vpc_id", "protocol": "protocol", "protocol_version": "protocol_version", "port": "port",
    "target_type": "target_type", "ip_address_type": "ip_address_type",
    "healthcheck_protocol": "health_check_protocol", "healthcheck_port": "health_check_port",
    "healthcheck_path": "health_check_path", "healthcheck_interval_seconds": "health_check_interval_seconds",
    "healthcheck_timeout_seconds": "health_check_timeout_seconds",
    "healthy_threshold_count": "healthy_threshold_count", "unhealthy_threshold_count": "unhealthy_threshold_count",
    "matcher": "matcher",
}
REASONS = {
    "initial": ("Elb.RegistrationInProgress", "Target registration is in progress"),
    "unhealthy": ("Target.ResponseCodeMismatch", "Health checks failed with these codes: [503]"),
    "draining": ("Target.DeregistrationInProgress", "Target deregistration is in progress"),
    "unused": ("Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"),
}


def install() -> None:
    @replaces(ELBv2Backend, "create_target_group")
    def create_target_group(original, self, name, **kwargs):
        for known in self.target_groups.values():
            if known.name == name:
                if _same(known, kwargs):
                    return known
                raise refuse("DuplicateTargetGroupName",
                             f"A target group with the same name '{name}' exists, but with different settings")
        return original(self, name, **kwargs)

    @replaces(ELBv2Backend, "delete_target_group")
    def delete_target_group(original, self, target_group_arn):
        answer = original(self, target_group_arn)
        self.tagging_service.delete_all_tags_for_resource(target_group_arn)
        return answer

    # moto only ever adds to this list; it follows from the listeners.
    FakeTargetGroup.load_balancer_arns = property(balancers_of, lambda self, value: None)
    FakeTargetGroup.health_for = _health_for

    @replaces(FakeTargetGroup, "register")
    def register(original, self, targets):
        original(self, targets)
        for target in targets:
            enter(self, target["Id"], int(target.get("Port", self.port)), True)

    @replaces(FakeTargetGroup, "deregister")
    def deregister(original, self, targets):
        for target in targets:
            if target["Id"] not in self.targets:
                raise refuse("InvalidTarget", f"The following targets are not registered: '{target['Id']}'")
            leave(self, target["Id"])


def _same(known: FakeTargetGroup, kwargs: dict) -> bool:
    for keyword, attribute in SETTINGS.items():
        asked = kwargs.get(keyword)
        if asked is not None and str(getattr(known, attribute, None)) != str(asked):
            return False
    return True


def balancers_of(group: FakeTargetGroup) -> list[str]:
    """The load balancers with a listener or rule that forwards to the group. A new list each time."""
    elb = elbv2_backends[group.account_id][group.region_name]
    found = []
    for balancer in elb.load_balancers.values():
        if any(group.arn in elb._get_target_group_arns_from(action.data)
               for listener in balancer.listeners.values()
               for rule in listener.rules.values() for action in rule.actions):
            found.append(balancer.arn)
    return found


def enter(group: FakeTargetGroup, target_id: str, port: int, becomes_healthy: bool | None) -> None:
    """Register a target that is `initial` first and `healthy`, or `unhealthy`, after the checks. None: somebody really checks
    it, and says so."""
    record = {"Id": target_id, "Port": port, "state": "initial"}
    group.targets[target_id] = record
    group.deregistered_targets.pop(target_id, None)

    if becomes_healthy is None:
        return

    def checked() -> None:
        if record["state"] == "initial":
            record["state"] = "healthy" if becomes_healthy else "unhealthy"

    CLOCK.after("target.healthy", checked)


def leave(group: FakeTargetGroup, target_id: str) -> None:
    """Drain a target for the group's deregistration delay, then forget it."""
    record = group.targets.get(target_id)
    if record is None or record.get("state") == "draining":
        return
    record["state"] = "draining"

    def gone() -> None:
        if group.targets.get(target_id) is record:
            group.targets.pop(target_id)

    CLOCK.after(float(group.attributes.get("deregistration_delay.timeout_seconds", 300)), gone)


def _health_for(self, target, ec2_backend):
    record = self.targets.get(target["Id"])
    port = target.get("Port", self.port)
    if record is None:
        return FakeHealthStatus(target["Id"], port, self.health_check_port, "unused", "Target.NotRegistered",
                                "Target is not registered to the target group")
    state = record.get("state", "healthy")
    if state != "draining" and not balancers_of(self):
        state = "unused"
    reason, description = REASONS.get(state, (None, None))
    if state == "unhealthy" and record.get("reason"):
        reason, description = record["reason"], record.get("description")
    return FakeHealthStatus(record["Id"], record["Port"], self.health_check_port, state, reason, description)
