"""Security group rules: a batch is taken whole or not at all, and a description is no part of what makes two equal.
API pages: AuthorizeSecurityGroupIngress, UpdateSecurityGroupRuleDescriptionsIngress."""

from __future__ import annotations

from moto.core.responses import ActionResult
from moto.ec2.models import EC2Backend
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.responses.security_groups import SecurityGroups

from .patch import replaces


def install() -> None:
    def key(rule):
        return (rule.ip_protocol, rule.from_port, rule.to_port, rule.ip_range.get("CidrIp"),
                rule.ip_range.get("CidrIpv6"), rule.source_group.get("GroupId"), rule.prefix_list_id)

    SecurityGroupRule.__eq__ = lambda self, other: isinstance(other, SecurityGroupRule) and key(self) == key(other)
    SecurityGroupRule.__hash__ = lambda self: hash(key(self))
    SecurityGroupRule.description = property(
        lambda self: self.ip_range.get("Description") or self.source_group.get("Description"))

    for direction in ("ingress", "egress"):
        _whole_batch(direction)
    _descriptions()
    _modify()


def _whole_batch(direction: str) -> None:
    @replaces(SecurityGroups, f"authorize_security_group_{direction}")
    def authorize(original, self):
        group = self.ec2_backend.get_security_group_by_name_or_id(
            self._get_param("GroupName") or self._get_param("GroupId"))
        kept = list(getattr(group, f"{direction}_rules")) if group else []
        try:
            answer = original(self)
        except Exception:
            if group:
                setattr(group, f"{direction}_rules", kept)
            raise
        # moto answers with the rules of the last permission only.
        before = {rule.id for rule in kept}
        added = [rule for rule in getattr(group, f"{direction}_rules") if rule.id not in before]
        return ActionResult({**answer.result, "SecurityGroupRules": added})


def _descriptions() -> None:
    @replaces(EC2Backend, "_sg_update_description")
    def _sg_update_description(original, self, security_rule, rule):
        # A description that the call leaves out is taken away; moto keeps it.
        for named, kept in ((security_rule.ip_range, rule.ip_range), (security_rule.source_group, rule.source_group)):
            kept.pop("Description", None)
            if "Description" in named:
                kept["Description"] = named["Description"]


def _modify() -> None:
    @replaces(EC2Backend, "modify_security_group_rules")
    def modify_security_group_rules(original, self, group_id, rules):
        group = self.get_security_group_from_id(group_id)
        for rule_id, wanted in rules.items():
            # The other ways to write "all ports"; moto wants both numbers.
            if str(wanted.get("IpProtocol")) == "-1":
                wanted.setdefault("FromPort", -1)
                wanted.setdefault("ToPort", -1)
        original(self, group_id, rules)
        for rule_id, wanted in rules.items():
            rule = group.get_rule(rule_id)
            if rule.ip_protocol == "-1":
                rule.from_port = rule.to_port = None
            if wanted.get("ReferencedGroupId"):
                rule.ip_range = {}
                rule.source_group = {"GroupId": wanted["ReferencedGroupId"], "UserId": self.account_id,
                                     "OwnerId": self.account_id}
                if wanted.get("Description"):
                    rule.source_group["Description"] = wanted["Description"]
            elif wanted.get("CidrIpv6"):
                rule.ip_range["CidrIpv6"] = wanted["CidrIpv6"]
