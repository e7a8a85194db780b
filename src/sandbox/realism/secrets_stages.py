"""Secrets Manager: a read without a version goes where the label AWSCURRENT is, also after it was moved by hand. API page:
UpdateSecretVersionStage. Versions are listed with the time they were made at."""

from __future__ import annotations

import json

from moto.secretsmanager.models import SecretsManagerBackend

from .patch import replaces


def install() -> None:
    @replaces(SecretsManagerBackend, "update_secret_version_stage")
    def update_secret_version_stage(original, self, secret_id, version_stage, remove_from_version_id, move_to_version_id):
        answer = original(self, secret_id, version_stage, remove_from_version_id, move_to_version_id)
        if version_stage == "AWSCURRENT" and move_to_version_id:
            self.secrets[secret_id].set_default_version_id(move_to_version_id)
        return answer

    @replaces(SecretsManagerBackend, "list_secret_version_ids")
    def list_secret_version_ids(original, self, secret_id):
        answer = json.loads(original(self, secret_id))
        made = {name: version.get("createdate") for name, version in self.secrets[secret_id].versions.items()}
        for version in answer["Versions"]:
            version["CreatedDate"] = made.get(version["VersionId"]) or version["CreatedDate"]
        return json.dumps(answer)
