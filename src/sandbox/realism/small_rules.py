"""Refusals that are a few lines each: log retention, IAM policies and names, certificates in use."""

from __future__ import annotations

from .errors import refuse
from .patch import replaces

# API page: PutRetentionPolicy.
RETENTION = {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}


def install() -> None:
    _logs()
    _iam()
    _certificates()


def _logs() -> None:
    from moto.logs.models import LogsBackend

    @replaces(LogsBackend, "put_retention_policy")
    def put_retention_policy(original, self, log_group_name, retention_in_days):
        if log_group_name in self.groups and int(retention_in_days) not in RETENTION:
            raise refuse("InvalidParameterException", "1 validation error detected: Value at 'retentionInDays' failed "
                                                      "to satisfy constraint: Member must satisfy enum value set")
        return original(self, log_group_name, retention_in_days)

    @replaces(LogsBackend, "delete_log_group")
    def delete_log_group(original, self, log_group_name):
        group = self.groups.get(log_group_name)
        original(self, log_group_name)
        # The next group of that name is another one.
        self.tagger.delete_all_tags_for_resource(group.arn)


def _iam() -> None:
    from moto.iam.models import IAMBackend

    @replaces(IAMBackend, "delete_policy")
    def delete_policy(original, self, policy_arn):
        policy = self.get_policy(policy_arn)
        if policy.attachment_count > 0:
            raise refuse("DeleteConflict", "Cannot delete a policy attached to entities.", 409)
        if len(policy.versions) > 1:
            raise refuse("DeleteConflict", "This policy has more than one version. Before you delete a policy, you "
                                           "must delete the policy's versions. The default version is deleted with "
                                           "the policy.", 409)
        return original(self, policy_arn)

    @replaces(IAMBackend, "create_role")
    def create_role(original, self, role_name, *args, **kwargs):
        if any(role.name.lower() == role_name.lower() for role in self.get_roles()):
            raise refuse("EntityAlreadyExists", f"Role with name {role_name} already exists.", 409)
        return original(self, role_name, *args, **kwargs)


def _certificates() -> None:
    from moto.acm.models import AWSCertificateManagerBackend
    from moto.elbv2.models import elbv2_backends

    @replaces(AWSCertificateManagerBackend, "delete_certificate")
    def delete_certificate(original, self, arn):
        balancers = elbv2_backends[self.account_id][self.region_name].load_balancers.values()
        if any(arn in listener.certificates for balancer in balancers for listener in balancer.listeners.values()):
            raise refuse("ResourceInUseException", f"Certificate {arn} in account {self.account_id} is in use.")
        return original(self, arn)
