"""Secrets Manager: a secret in its recovery window still holds its name, and takes no change. API page:
DeleteSecret."""

from __future__ import annotations

from moto.secretsmanager.models import SecretsManagerBackend

from .errors import refuse
from .patch import replaces

MARKED = "You can't perform this operation on the secret because it was marked for deletion."


def install() -> None:
    @replaces(SecretsManagerBackend, "create_secret")
    def create_secret(original, self, name, *args, **kwargs):
        known = self.secrets.get(name) if name in self.secrets else None
        if known is not None and known.name == name and known.is_deleted():
            raise refuse("InvalidRequestException", "You can't create this secret because a secret with this name is "
                                                    "already scheduled for deletion.")
        return original(self, name, *args, **kwargs)

    for method in ("put_secret_value", "update_secret_version_stage", "tag_resource", "untag_resource", "put_resource_policy"):
        _refused_when_deleted(method)


def _refused_when_deleted(method: str) -> None:
    @replaces(SecretsManagerBackend, method)
    def guarded(original, self, secret_id, *args, **kwargs):
        if secret_id in self.secrets and self.secrets[secret_id].is_deleted():
            raise refuse("InvalidRequestException", MARKED)
        return original(self, secret_id, *args, **kwargs)
