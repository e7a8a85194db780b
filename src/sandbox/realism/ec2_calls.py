"""EC2 requests: pages and client tokens, which moto leaves out. API pages: DescribeSubnets, CreateNatGateway."""

from __future__ import annotations

import base64

from moto.core.responses import ActionResult
from moto.ec2.responses import EC2Response

from .errors import refuse

# method -> result key, id list parameter, largest page
PAGED = {
    "describe_vpcs": ("Vpcs", "VpcIds", 1000),
    "describe_subnets": ("Subnets", "SubnetIds", 1000),
    "describe_internet_gateways": ("InternetGateways", "InternetGatewayIds", 1000),
    "describe_nat_gateways": ("NatGateways", "NatGatewayIds", 1000),
    "describe_route_tables": ("RouteTables", "RouteTableIds", 100),
    "describe_security_groups": ("SecurityGroups", "GroupIds", 1000),
    "describe_security_group_rules": ("SecurityGroupRules", "SecurityGroupRuleIds", 1000),
    "describe_network_interfaces": ("NetworkInterfaces", "NetworkInterfaceIds", 1000),
    "describe_tags": ("Tags", "", 1000),
}
# method -> result key and where the backend keeps such things
TOKENED = {
    "create_nat_gateway": ("NatGateway", "nat_gateways"),
    "create_route_table": ("RouteTable", "route_tables"),
}


def install() -> None:
    for method, (key, ids, largest) in PAGED.items():
        _page(method, key, ids, largest)
    for method, (key, store) in TOKENED.items():
        _token(method, key, store)


def _page(method: str, key: str, ids: str, largest: int) -> None:
    original = getattr(EC2Response, method)

    def paged(self):
        size, token = self._get_param("MaxResults"), self._get_param("NextToken")
        if size is not None:
            size = int(size)
            if not 5 <= size <= largest:
                raise refuse("InvalidParameterValue", f"Value ( {size} ) for parameter maxResults is invalid. "
                                                      f"Expecting a value between 5 and {largest}.")
            if ids and self._get_param(ids):
                raise refuse("InvalidParameterCombination", f"The parameter {ids[0].lower() + ids[1:]} cannot be "
                                                            "used with the parameter maxResults")
        answer = original(self)
        if not isinstance(answer, ActionResult) or (size is None and token is None):
            return answer
        result = dict(answer.result)
        found = sorted(result[key], key=lambda item: getattr(item, "id", "") or "") if key != "Tags" else result[key]
        start = _decode(token)
        end = start + (size or largest)
        result[key] = found[start:end]
        if end < len(found):
            result["NextToken"] = base64.urlsafe_b64encode(f"at:{end}".encode()).decode()
        return ActionResult(result)

    paged.__name__ = method
    setattr(EC2Response, method, paged)


def _decode(token: str | None) -> int:
    if not token:
        return 0
    try:
        mark, _, at = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        if mark == "at":
            return int(at)
    except ValueError:
        pass
    raise refuse("InvalidNextToken", "The token '" + token + "' is invalid")


def _token(method: str, key: str, store: str) -> None:
    original = getattr(EC2Response, method)

    def tokened(self):
        token = self._get_param("ClientToken")
        if not token:
            return original(self)
        seen = self.ec2_backend.__dict__.setdefault("_client_tokens", {})
        asked = sorted((name, str(value)) for name, value in self.querystring.items()
                       if name not in ("ClientToken", "Action", "Version"))
        if (method, token) in seen:
            before, identity = seen[method, token]
            if before != asked:
                raise refuse("IdempotentParameterMismatch",
                             "The client token you have provided is associated with a resource with different "
                             "parameters.")
            known = getattr(self.ec2_backend, store).get(identity)
            if known is not None:
                return ActionResult({key: known})
        answer = original(self)
        seen[method, token] = (asked, answer.result[key].id)
        return answer

    tokened.__name__ = method
    setattr(EC2Response, method, tokened)
