#!/usr/bin/env bash
# The whole stack on this machine, with no AWS account: plan, apply, outputs, and a second plan that finds nothing to do.
set -euo pipefail
bin=$1
say() { printf '\n\033[1m$ circles-infra %s\033[0m\n' "$*"; }
run() { say "$@"; "$bin" "$@"; }
run --sandbox plan
run --sandbox apply --yes
run --sandbox outputs
say --sandbox outputs alb_dns_name
url=$("$bin" --sandbox --quiet outputs alb_dns_name)
echo "$url"
run --sandbox plan --detailed-exitcode
printf '\nThe stack stands in the local AWS. Take it away with: %s --sandbox destroy --yes\n' "$bin"
