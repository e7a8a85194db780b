"""Secrets Manager: versions are listed with the time they were made at. API page: ListSecretVersionIds."""


def test_a_version_is_listed_with_the_time_it_was_made_at(aws):
    secrets = aws.secretsmanager
    secrets.create_secret(Name="listed", SecretString="{}")
    made = secrets.get_secret_value(SecretId="listed")
    listed = secrets.list_secret_version_ids(SecretId="listed")["Versions"]
    assert [(one["VersionId"], one["CreatedDate"]) for one in listed] == [(made["VersionId"], made["CreatedDate"])]
