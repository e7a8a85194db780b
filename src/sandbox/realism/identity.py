"""Who the caller is: one user of the sandbox's account, the same in STS and in refusals."""

from __future__ import annotations


def install() -> None:
    from moto.sts.models import STSBackend

    from . import ACCOUNT, USER_ARN
    from .patch import replaces

    @replaces(STSBackend, "get_caller_identity")
    def get_caller_identity(original, self, access_key_id, region):
        user_id, arn, account = original(self, access_key_id, region)
        if arn.endswith(":user/moto"):
            return "AIDASANDBOX0000000000", USER_ARN, ACCOUNT
        return user_id, arn, account
