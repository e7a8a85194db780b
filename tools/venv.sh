#!/usr/bin/env bash
# Makes a virtual environment with pinned packages: tools/venv.sh FOLDER REQUIREMENTS...
set -euo pipefail
folder=$1
shift
python=${PYTHON:-python3}
if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -q && apt-get install -qy python3-venv
  elif sudo -n true 2>/dev/null && command -v apt-get >/dev/null; then
    sudo apt-get update -q && sudo apt-get install -qy python3-venv
  else
    echo "Python 3 with venv is needed. Type: sudo apt-get install -y python3-venv   (macOS: brew install python)" >&2
    exit 1
  fi
fi
mkdir -p "$folder"
# Two checkouts may share the folder: one makes it, the other waits.
exec 9>"$folder.lock"
command -v flock >/dev/null && flock 9
"$python" -m venv "$folder"
packages=()
for requirements in "$@"; do packages+=(-r "$requirements"); done
"$folder/bin/python" -m pip install -q --disable-pip-version-check "${packages[@]}"
