#!/bin/sh
# Runs a command with a private, throw-away PostgreSQL (with PostGIS) beside it, and ends that server afterwards.
#   tests/with-postgres.sh cargo nextest run -p circles-app
# The command finds the server in CIRCLES_TEST_DATABASE_URL. TLS_ONLY=1 makes a server that refuses plain connections; its authority's
# certificate is then in CIRCLES_TEST_CA.
set -eu

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
if [ -n "$bin" ]; then version=$(basename "$(dirname "$bin")"); else version=15; fi
install="apt-get install -y postgresql-$version postgresql-$version-postgis-3"
if [ -z "$bin" ] || [ ! -e "/usr/share/postgresql/$version/extension/postgis.control" ]; then
    if [ "$(id -u)" = 0 ]; then as_root=; elif sudo -n true 2>/dev/null; then as_root=sudo; else
        echo "PostgreSQL with PostGIS is missing. Install it with:  sudo $install" >&2
        exit 69
    fi
    echo "installing PostgreSQL with PostGIS: $install" >&2
    $as_root apt-get update -qq >&2 && $as_root $install -qq >&2
    bin=/usr/lib/postgresql/$version/bin
fi

base=$(mktemp -d "${TMPDIR:-/tmp}/circles-postgres.XXXXXX")
# The server does not run as root.
if [ "$(id -u)" = 0 ]; then
    chown postgres "$base"
    as() { (cd / && runuser -u postgres -- "$@"); }
else
    as() { "$@"; }
fi
stop() {
    as "$bin/pg_ctl" -D "$base/data" -m immediate stop >/dev/null 2>&1 || true
    rm -rf "$base"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

as "$bin/initdb" -D "$base/data" -U postgres --auth=trust -E UTF8 --no-sync >"$base/initdb.log" 2>&1 || { cat "$base/initdb.log" >&2; exit 1; }
if [ "${TLS_ONLY:-}" = 1 ]; then
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=circles-test-ca -keyout "$base/ca.key" -out "$base/ca.pem" 2>/dev/null
    openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout "$base/data/server.key" -out "$base/server.csr" 2>/dev/null
    # By its name alone, so that an address can be told from the name that was certified.
    printf 'subjectAltName=DNS:localhost\n' >"$base/san"
    openssl x509 -req -in "$base/server.csr" -CA "$base/ca.pem" -CAkey "$base/ca.key" -CAcreateserial -days 2 \
        -extfile "$base/san" -out "$base/data/server.crt" 2>/dev/null
    chmod 600 "$base/data/server.key"
    [ "$(id -u)" != 0 ] || chown postgres "$base/data/server.key" "$base/data/server.crt"
    chmod 755 "$base"
    chmod 644 "$base/ca.pem"
    printf 'local all all trust\nhostssl all all all trust\n' >"$base/data/pg_hba.conf"
    CIRCLES_TEST_CA=$base/ca.pem
    export CIRCLES_TEST_CA
    tls="-c ssl=on"
else
    tls=
fi

# A free port is found by trying: another server may take one between the look and the start.
tries=0
while :; do
    port=$(awk 'BEGIN { srand(); print 20000 + int(rand() * 30000) }' </dev/null)
    port=$(( (port + $$ + tries * 7919) % 30000 + 20000 ))
    if as "$bin/pg_ctl" -D "$base/data" -w -t 60 -l "$base/data/log" -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$base \
        -c max_connections=400 -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=${PG_SHARED_BUFFERS:-128MB} \
        -c max_wal_size=4GB ${PG_OPTIONS:-} $tls" start >/dev/null 2>&1; then
        break
    fi
    tries=$((tries + 1))
    if [ "$tries" = 5 ]; then
        cat "$base/data/log" >&2
        exit 1
    fi
done
CIRCLES_TEST_DATABASE_URL=postgresql://postgres@127.0.0.1:$port/postgres
export CIRCLES_TEST_DATABASE_URL
# In the background, so that a signal is passed on at once; with our standard input, because some commands wait on it (a shell gives
# background commands /dev/null, so it is kept aside first).
exec 3<&0
"$@" <&3 3<&- &
child=$!
trap 'kill -TERM $child 2>/dev/null || true' INT TERM HUP
status=0
while :; do
    status=0
    wait $child || status=$?
    kill -0 $child 2>/dev/null || break
done
exit $status
