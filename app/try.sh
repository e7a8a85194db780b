#!/bin/sh
# A first try: a throw-away PostgreSQL with PostGIS, migrated and seeded, and the service on :8000 (or APP_PORT) until Ctrl-C.
# Everything it starts, it ends.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

if [ -z "${CIRCLES_TEST_DATABASE_URL:-}" ]; then
    if [ -z "${CIRCLES_APP:-}" ]; then
        (cd "$here/.." && cargo build --quiet --package circles-app --bin circles-app)
        target=$(cd "$here/.." && cargo metadata --format-version 1 --no-deps | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
        CIRCLES_APP=$target/debug/circles-app
        export CIRCLES_APP
    fi
    exec "$here/tests/with-postgres.sh" "$0" "$@"
fi

media=$(mktemp -d "${TMPDIR:-/tmp}/circles-media.XXXXXX")
port=${APP_PORT:-8000}
export APP_PORT="$port" APP_DEBUG=true APP_USE_POSTGIS=true APP_DATABASE_URL="$CIRCLES_TEST_DATABASE_URL"
export APP_STORAGE_BACKEND=local APP_LOCAL_FOLDER="$media" APP_LOCAL_BASE_URL="http://localhost:$port"
export RUST_LOG="${RUST_LOG:-warn}"
service=
stop() {
    [ -z "$service" ] || { kill "$service" 2>/dev/null || true; wait "$service" 2>/dev/null || true; }
    rm -rf "$media"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

"$CIRCLES_APP" migrate
"$CIRCLES_APP" seed
"$CIRCLES_APP" serve &
service=$!
tries=0
until curl -fsS "http://localhost:$port/health" >/dev/null 2>&1; do
    kill -0 "$service" 2>/dev/null || { echo "the service ended; is port $port taken?" >&2; exit 1; }
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { echo "the service does not answer" >&2; exit 1; }
    sleep 0.1
done
cat <<END

Circles serves on http://localhost:$port (documentation: http://localhost:$port/docs). Go on with:

  curl 'http://localhost:$port/places/nearby?lat=24.7136&lng=46.6753&radius_m=5000'
  curl 'http://localhost:$port/places/trending?city=Riyadh&time_window=30d'
  curl -X POST http://localhost:$port/onboarding/request-otp -H 'content-type: application/json' -d '{"phone":"+966500000000"}'

Ctrl-C ends it and its database.
END
wait "$service"
