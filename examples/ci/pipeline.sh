#!/bin/sh
# The same pipeline for any CI system.
#   pipeline.sh plan   on pull requests: checks, and leaves the plan as Markdown in plan.md for a comment
#   pipeline.sh ship   on the main branch: apply, secrets, image, deploy, verify
#
# Logging in without a stored key: the CI system writes its OpenID Connect token to a file, and every AWS client takes it from there:
#   export AWS_ROLE_ARN=arn:aws:iam::111122223333:role/circles-ship AWS_WEB_IDENTITY_TOKEN_FILE=/path/of/the/token AWS_REGION=us-east-1
# CIRCLES_URL is where the service answers.
set -eu

case "${1:-}" in
plan)
    circles-infra validate
    circles-infra plan --format markdown > plan.md
    ;;
ship)
    circles-infra apply --yes --lock-timeout 10m
    # Empty or unset, the live value stays.
    circles-infra secrets set APP_FOURSQUARE_API_KEY --from-env FOURSQUARE_API_KEY
    # Does something only when a key came or went.
    circles-infra apply --yes --lock-timeout 10m
    docker buildx build --platform linux/amd64 --output type=oci,dest=app.tar --file app/Dockerfile .
    circles-infra deploy --image app.tar
    circles-infra verify --url "$CIRCLES_URL"
    circles-infra status
    ;;
*)
    echo "usage: pipeline.sh plan|ship" >&2
    exit 64
    ;;
esac
