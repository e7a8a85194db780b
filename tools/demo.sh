#!/usr/bin/env bash
# The whole stack on this machine, with no AWS account: plan, apply, outputs, a second plan that finds nothing to do, and then the service
# itself behind its load balancer's stand-in.
set -euo pipefail
bin=$1
app=$2
here=$(cd "$(dirname "$0")" && pwd)
say() { printf '\n\033[1m$ circles-infra %s\033[0m\n' "$*"; }
run() { say "$@"; "$bin" "$@"; }
run --sandbox plan
run --sandbox apply --yes
run --sandbox outputs
run --sandbox plan --detailed-exitcode
if ! "$here/postgis.sh"; then
  printf '\nThe stack stands in the local AWS. To run the service too, install what is named above and type: make demo\n'
  printf 'Take it away with: %s --sandbox destroy --yes\n' "$bin"
  exit 0
fi
printf '\nNow the service itself: its image as the tasks, PostgreSQL for RDS, a proxy for the load balancer. This takes half a minute.\n'
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# The same image as `make image`, of the debug build. Where it cannot be made (not linux/amd64), the program runs as it is.
if python3 "$here/../app/image/build.py" --binary "$app" --output "$folder/circles-app.tar" --rds-ca none; then
  run sandbox up --image "$folder/circles-app.tar"
else
  run sandbox up --host-binary "$app"
fi
say --sandbox --quiet outputs alb_dns_name
url=http://$("$bin" --sandbox --quiet outputs alb_dns_name)
echo "$url"
for path in /health /readyz /docs; do
  printf '\n\033[1m$ curl %s%s\033[0m\n' "$url" "$path"
  body=$(curl -fsS --max-time 20 "$url$path")
  printf '%.400s\n' "$body"
done
printf '\nThe service runs at %s (its documentation: %s/docs).\n' "$url" "$url"
printf 'End it with: %s sandbox down   and the local AWS with: %s sandbox stop\n' "$bin" "$bin"
