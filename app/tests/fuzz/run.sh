#!/bin/sh
# Fuzzes the running service: schemathesis reads the document and no answer may be a server error.
#   make fuzz                        EXAMPLES per operation and phase (25), SEED to repeat a run
# Wants CIRCLES_APP (the program) and SCHEMATHESIS (the fuzzer's command); starts its own database.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
: "${CIRCLES_APP:?names the circles-app to run}" "${SCHEMATHESIS:?names the schemathesis command}"
[ -n "${CIRCLES_TEST_DATABASE_URL:-}" ] || exec "$here/../with-postgres.sh" "$0" "$@"

scratch=$(mktemp -d "${TMPDIR:-/tmp}/circles-fuzz.XXXXXX")
port=${APP_PORT:-18100}
base=http://127.0.0.1:$port
export APP_DEBUG=true APP_PORT="$port" APP_USE_POSTGIS=true APP_DATABASE_URL="$CIRCLES_TEST_DATABASE_URL" APP_USE_OPENSTREETMAP=false
export APP_STORAGE_BACKEND=local APP_LOCAL_FOLDER="$scratch/media" APP_LOCAL_BASE_URL="$base" RUST_LOG="${RUST_LOG:-error}"
export APP_DM_MESSAGES_PER_MIN=1000000 APP_DM_REQUESTS_PER_MIN=1000000 APP_PLACES_PER_HOUR=1000000 APP_EXTERNAL_PER_MIN=1000000
service=
stop() {
    [ -z "$service" ] || { kill "$service" 2>/dev/null || true; wait "$service" 2>/dev/null || true; }
    rm -rf "$scratch"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# One caller stands for all.
export APP_ROUTE_LIMIT_SCALE=100000
"$CIRCLES_APP" migrate
"$CIRCLES_APP" seed
"$CIRCLES_APP" serve 2>"$scratch/log" &
service=$!
until curl -fsS "$base/readyz" >/dev/null 2>&1; do
    kill -0 "$service" 2>/dev/null || { cat "$scratch/log" >&2; exit 1; }
    sleep 0.1
done

# A person with an administrator's rights, so that no operation ends at its gate.
phone=+966599999999
json='content-type: application/json'
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
code=$(curl -fsS -H "$json" -d "{\"phone\":\"$phone\"}" "$base/onboarding/request-otp" | field otp)
token=$(curl -fsS -H "$json" -d "{\"phone\":\"$phone\",\"otp_code\":\"$code\"}" "$base/onboarding/verify-otp" | field access_token)
psql=$(ls /usr/lib/postgresql/*/bin/psql | sort -V | tail -1)
"$psql" -q "$CIRCLES_TEST_DATABASE_URL" -c "update users set is_admin = true where phone = '$phone'"

# No answer may be a server error, or one that the document does not tell of.
status=0
cd "$scratch" # It keeps a folder where it runs.
"$SCHEMATHESIS" --config-file "$here/schemathesis.toml" run "$base/openapi.json" --header "Authorization: Bearer $token" \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
    --max-examples "${EXAMPLES:-25}" --phases examples,coverage,fuzzing --continue-on-failure --request-timeout 30 \
    --generation-database none --no-color ${SEED:+--seed "$SEED"} "$@" || status=$?
[ ! -s "$scratch/log" ] || { echo "what the service logged:" >&2; sed 's/.*"cause":/"cause":/' "$scratch/log" | cut -c1-300 | sort | uniq -c | sort -rn | head -40 >&2; }
curl -fsS "$base/readyz" >/dev/null || { echo "the service did not survive" >&2; exit 1; }
exit $status
