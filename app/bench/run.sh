#!/bin/sh
# Measures the service under load: a release build, a seeded database beside it, wrk for HTTP and a small script for sockets.
#   app/bench/run.sh            needs wrk (apt-get install -y wrk) and python3; about three minutes
# Sizes: PLACES, USERS, CHECK_INS (100000, 10000, 1000000).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ -z "${CIRCLES_TEST_DATABASE_URL:-}" ]; then
    command -v wrk >/dev/null || { echo "wrk is missing: apt-get install -y wrk" >&2; exit 69; }
    if [ -z "${CIRCLES_APP:-}" ]; then
        (cd "$here/../.." && cargo build --profile service --package circles-app --bin circles-app)
        target=$(cd "$here/../.." && cargo metadata --format-version 1 --no-deps | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
        CIRCLES_APP=$target/service/circles-app
        export CIRCLES_APP
    fi
    PG_SHARED_BUFFERS=1GB
    export PG_SHARED_BUFFERS
    exec "$here/../tests/with-postgres.sh" "$0" "$@"
fi

media=$(mktemp -d "${TMPDIR:-/tmp}/circles-bench.XXXXXX")
export APP_DEBUG=true APP_USE_POSTGIS=true APP_DATABASE_URL="$CIRCLES_TEST_DATABASE_URL" APP_USE_OPENSTREETMAP=false
export APP_STORAGE_BACKEND=local APP_LOCAL_FOLDER="$media" RUST_LOG=warn APP_LOG_SAMPLE=0 APP_CHECKIN_ENFORCE_PROXIMITY=false
# Everybody calls from one address, and a few people stand for thousands.
export APP_ROUTE_LIMIT_SCALE=100000 APP_WS_SOCKETS_PER_USER=100000 APP_OTP_CODES_PER_ADDRESS_HOUR=100000 APP_OTP_CODES_PER_ADDRESS_DAY=100000
export APP_OTP_GUESSES_PER_ADDRESS_HOUR=100000 APP_OTP_CODES_PER_TASK_MINUTE=100000 APP_OTP_GUESSES_PER_TASK_MINUTE=100000
export APP_DM_MESSAGES_PER_MIN=100000 APP_JWT_SECRET_KEY=bench-secret-bench-secret-bench-secret APP_OTP_SECRET_KEY=bench-secret-bench-secret-bench-secret
a=${PORT_A:-18000}
b=$((a + 1))
pids=
stop() {
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    for pid in $pids; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$media"
}
trap stop EXIT
trap 'exit 130' INT TERM

"$CIRCLES_APP" migrate
"$CIRCLES_APP" seed --places "${PLACES:-100000}" --users "${USERS:-10000}" --check-ins "${CHECK_INS:-1000000}"

started=$(date +%s%N)
APP_PORT=$a "$CIRCLES_APP" serve &
pids=$!
until curl -fsS "http://127.0.0.1:$a/health" >/dev/null 2>&1; do sleep 0.01; done
took=$(( ($(date +%s%N) - started) / 1000000 ))
# The last column is the machine's load average: what else ran has its share in the figures.
row() { echo "| $1 | $2 | $3 | $(cut -d' ' -f1 /proc/loadavg) |"; }
printf '| what | measured | budget | load |\n|---|---|---|---|\n'
row 'start to the first `200 /health`, migrations done' "$took ms" '< 500 ms'
APP_PORT=$b "$CIRCLES_APP" serve &
pids="$pids $!"
until curl -fsS "http://127.0.0.1:$b/health" >/dev/null 2>&1; do sleep 0.05; done
rss() { awk '/VmRSS/ { printf "%.1f MB", $2 / 1024 }' "/proc/${pids%% *}/status"; }
sleep 2
row 'resident at rest' "$(rss)" '< 40 MB'
wrk -t2 -c64 -d10s "http://127.0.0.1:$a/health" >"$media/wrk"
failed=$(sed -n 's/ *Non-2xx.*: /, not 2xx: /p' "$media/wrk")
row '`GET /health`, wrk with 64 connections' "$(awk '/Requests\/sec/ { printf "%d", $2 }' "$media/wrk") req/s$failed" '≥ 30000 req/s'
export PYTHONDONTWRITEBYTECODE=1
python3 "$here/load.py" "http://127.0.0.1:$a" "http://127.0.0.1:$b" "${pids%% *}"
echo
python3 "$here/lists.py" "http://127.0.0.1:$a" "$CIRCLES_TEST_DATABASE_URL" "${LIST_SECONDS:-120}"
