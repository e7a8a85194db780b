"""Listeners and rules: one per port and priority, certificates, target groups. API pages: CreateListener,
CreateRule."""

from __future__ import annotations

from moto.core.responses import ActionResult
from moto.elbv2.models import ELBv2Backend
from moto.elbv2.responses import ELBV2Response

from .errors import refuse
from .patch import replaces

# method -> result key; every describe of ELBv2 pages with PageSize (1 to 400) and Marker.
PAGED = {"describe_listeners": "Listeners", "describe_target_groups": "TargetGroups", "describe_rules": "Rules",
         "describe_load_balancers": "LoadBalancers"}
LARGEST = 400


def install() -> None:
    _listeners()
    _rules()
    for method, key in PAGED.items():
        _page(method, key)

    @replaces(ELBV2Response, "describe_tags")
    def describe_tags(original, self):
        if len(self._get_param("ResourceArns", [])) > 20:
            raise refuse("ValidationError", "Up to 20 resource ARNs can be specified in one request")
        return original(self)


def _listeners() -> None:
    @replaces(ELBv2Backend, "create_listener")
    def create_listener(original, self, load_balancer_arn, protocol, port, ssl_policy, certificate, actions,
                        alpn_policy=None, tags=None):
        balancer = self.load_balancers.get(load_balancer_arn)
        if balancer is None:
            raise refuse("LoadBalancerNotFound", "One or more load balancers not found")
        if protocol == "HTTPS":
            if not certificate:
                raise refuse("ValidationError", "A certificate must be specified for HTTPS listeners")
            if not self._certificate_exists(certificate):
                raise refuse("CertificateNotFound", f"Certificate ARN '{certificate}' is not valid")
        for known in balancer.listeners.values():
            if int(known.port) == int(port):
                same = (known.protocol == protocol and known.certificate == certificate
                        and [_shape(action.data) for action in known.default_actions] ==
                        [_shape(action) for action in actions])
                if same:
                    return known
                raise refuse("DuplicateListener", "A listener already exists on this port for this load balancer "
                                                  f"'{load_balancer_arn}'")
        _check_groups(self, balancer, actions)
        actions = _as_shown(actions)
        return original(self, load_balancer_arn, protocol, port, ssl_policy if protocol == "HTTPS" else None,
                        certificate, actions, alpn_policy, tags)

    @replaces(ELBv2Backend, "modify_listener")
    def modify_listener(original, self, arn, port=None, protocol=None, ssl_policy=None, certificates=None,
                        actions=None):
        listener = self.describe_listeners(None, [arn])[0]
        balancer = self.load_balancers[listener.load_balancer_arn]
        if port is not None and any(int(other.port) == int(port) and other.arn != arn
                                    for other in balancer.listeners.values()):
            raise refuse("DuplicateListener", f"A listener already exists on port {port}")
        if protocol == "HTTPS" and not certificates and not listener.certificates:
            raise refuse("ValidationError", "A certificate must be specified for HTTPS listeners")
        _check_groups(self, balancer, actions or [])
        answer = original(self, arn, port, protocol, ssl_policy, certificates or [], _as_shown(actions or []))
        if protocol == "HTTP":
            answer.certificate, answer.certificates, answer.ssl_policy = None, [], None
        return answer

    @replaces(ELBv2Backend, "delete_listener")
    def delete_listener(original, self, listener_arn):
        listener = original(self, listener_arn)
        for gone in [listener_arn, *listener.rules]:
            self.tagging_service.delete_all_tags_for_resource(str(gone))
        return listener


def _shape(action: dict) -> dict:
    """An action without what AWS fills in: order, and a forward to one group written in either way."""
    shape = {key: value for key, value in action.items() if key not in ("Order", "ForwardConfig", "TargetGroupArn")}
    forward = action.get("ForwardConfig") or {}
    groups = [(entry["TargetGroupArn"], int(entry.get("Weight", 1))) for entry in forward.get("TargetGroups", [])]
    if not groups and action.get("TargetGroupArn"):
        groups = [(action["TargetGroupArn"], 1)]
    shape["groups"] = sorted(groups)
    return shape


def _as_shown(actions) -> list[dict]:
    """A forward to one group is shown in both ways it can be written, whichever was used."""
    shown = []
    for action in actions:
        action = dict(action)
        if action.get("Type") == "forward":
            if action.get("TargetGroupArn") and not action.get("ForwardConfig"):
                action["ForwardConfig"] = {"TargetGroups": [{"TargetGroupArn": action["TargetGroupArn"], "Weight": 1}]}
            groups = (action.get("ForwardConfig") or {}).get("TargetGroups", [])
            if len(groups) == 1:
                action["TargetGroupArn"] = groups[0]["TargetGroupArn"]
        shown.append(action)
    return shown


def _check_groups(elb, balancer, actions) -> None:
    """A target group exists, lies in the same VPC and serves one load balancer only."""
    for action in actions:
        for arn in elb._get_target_group_arns_from(action):
            group = elb.target_groups.get(arn)
            if group is None:
                raise refuse("TargetGroupNotFound", f"Target groups '{arn}' not found")
            if group.vpc_id != balancer.vpc_id:
                raise refuse("ValidationError", f"The target group '{arn}' is not in the VPC of the load balancer")
            if any(other != balancer.arn for other in group.load_balancer_arns):
                raise refuse("TargetGroupAssociationLimit", "The following target groups cannot be associated with "
                                                            f"more than one load balancer: {arn}")


def _rules() -> None:
    @replaces(ELBv2Backend, "create_rule")
    def create_rule(original, self, listener_arn, conditions, priority, actions, tags=None):
        found = self.describe_listeners(None, [listener_arn])
        for rule in found[0].rules.values():
            if str(rule.priority) == str(priority):
                raise refuse("PriorityInUse", f"Priority '{priority}' is currently in use")
        _check_groups(self, self.load_balancers[found[0].load_balancer_arn], actions)
        return original(self, listener_arn, conditions, priority, _as_shown(actions), tags)

    @replaces(ELBv2Backend, "modify_rule")
    def modify_rule(original, self, rule_arn, conditions, actions):
        return original(self, rule_arn, conditions, _as_shown(actions))

    @replaces(ELBv2Backend, "delete_rule")
    def delete_rule(original, self, arn):
        for balancer in self.load_balancers.values():
            for listener in balancer.listeners.values():
                for rule in listener.rules.values():
                    if rule.arn == arn and rule.is_default:
                        raise refuse("OperationNotPermitted", f"Default rule '{arn}' cannot be deleted")
                    if rule.arn == arn:
                        self.tagging_service.delete_all_tags_for_resource(arn)
                        return original(self, arn)
        raise refuse("RuleNotFound", "One or more rules not found")


def _page(method: str, key: str) -> None:
    original = getattr(ELBV2Response, method)

    def paged(self):
        size, marker = int(self._get_param("PageSize") or LARGEST), self._get_param("Marker")
        if not 1 <= size <= LARGEST:
            raise refuse("ValidationError", f"The page size must be between 1 and {LARGEST}")
        # moto pages two of the four by itself, with other defaults; it is shown none of it.
        self.params.pop("PageSize", None)
        self.params.pop("Marker", None)
        self.params["PageSize"] = 10**9
        result = dict(original(self).result)
        found = list(result[key])
        if marker and not marker.isdigit():
            raise refuse("ValidationError", f"The marker '{marker}' is invalid")
        start = int(marker or 0)
        result[key] = found[start:start + size]
        result["NextMarker"] = str(start + size) if start + size < len(found) else None
        return ActionResult(result)

    paged.__name__ = method
    setattr(ELBV2Response, method, paged)
