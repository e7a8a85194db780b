#!/bin/sh
# The pipeline for any CI system; gitlab-ci.yaml calls it.
#   pipeline.sh plan          on pull requests: checks, and leaves the plan as Markdown in plan.md for a comment
#   pipeline.sh review [ENV]  on the main branch: makes the state's bucket the first time, leaves the plan as ENV.plan, and to be read as
#                             ENV.plan.md
#   pipeline.sh build         the image, as app.tar
#   pipeline.sh ship [ENV]    applies ENV.plan, the one that was read; then secrets, image, verify
#   pipeline.sh drift [ENV]   every night: fails with exit code 2 when somebody changed something by hand
#
# Logging in without a stored key: the CI system writes its OpenID Connect token to a file, and every AWS client takes it from there:
#   export AWS_ROLE_ARN=arn:aws:iam::111122223333:role/circles-ship AWS_WEB_IDENTITY_TOKEN_FILE=/path/of/the/token AWS_REGION=us-east-1
# For another account, another role: the environment's `account:` in the stack file refuses the wrong one. CIRCLES_URL is where the service
# answers.
set -eu

environment=${2:-dev}
plan=$environment.plan

case "${1:-}" in
plan)
    circles-infra validate
    circles-infra plan --format markdown > plan.md
    ;;
review)
    circles-infra --env "$environment" state bootstrap
    circles-infra --env "$environment" plan --out "$plan"
    circles-infra show --format markdown "$plan" > "$plan.md"
    ;;
build)
    docker buildx build --platform linux/amd64 --output type=oci,dest=app.tar --file app/Dockerfile .
    ;;
ship)
    # Exit code 73 when what the plan touches has changed since: review again.
    circles-infra --env "$environment" apply --yes --lock-timeout 10m "$plan"
    # Empty or unset, the live value stays.
    circles-infra --env "$environment" secrets set APP_FOURSQUARE_API_KEY --from-env FOURSQUARE_API_KEY
    # Does something only when a key came or went.
    circles-infra --env "$environment" apply --yes --lock-timeout 10m
    circles-infra --env "$environment" deploy --image app.tar
    circles-infra --env "$environment" verify --url "$CIRCLES_URL"
    circles-infra --env "$environment" status
    ;;
drift)
    circles-infra --env "$environment" drift --detailed-exitcode
    ;;
*)
    echo "usage: pipeline.sh plan | review [ENV] | build | ship [ENV] | drift [ENV]" >&2
    exit 64
    ;;
esac
