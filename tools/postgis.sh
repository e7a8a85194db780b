#!/usr/bin/env bash
# Sees to it that PostgreSQL with PostGIS is here, where that can be done without asking anybody. Fails with what to type.
set -euo pipefail
found() {
  compgen -G '/usr/share/postgresql/*/extension/postgis.control' >/dev/null && return 0
  command -v brew >/dev/null && compgen -G "$(brew --prefix)/share/postgresql*/extension/postgis.control" >/dev/null
}
found && exit 0
version=$(ls /usr/lib/postgresql 2>/dev/null | sort -V | tail -1)
if [ -z "$version" ]; then
  version=$(apt-cache show postgresql 2>/dev/null | sed -n 's/^Version: \([0-9]*\)+.*/\1/p' | sort -V | tail -1)
fi
packages="postgresql-${version:-15} postgresql-${version:-15}-postgis-3"
if command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then
  root=; [ "$(id -u)" = 0 ] || root=sudo
  echo "installing PostgreSQL with PostGIS: apt-get install $packages" >&2
  # The server that the package would start is not needed.
  if $root apt-get update -q >&2 && $root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-upgrade $packages >&2; then
    found && exit 0
  fi
fi
if command -v brew >/dev/null; then
  echo "PostgreSQL with PostGIS is needed. Type: brew install postgresql@17 postgis" >&2
else
  echo "PostgreSQL with PostGIS is needed. Type: sudo apt-get update && sudo apt-get install -y $packages" >&2
fi
exit 69
