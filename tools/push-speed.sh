#!/usr/bin/env bash
# Measures a push of a 50 MB image to a local docker-registry (Debian's package) against `skopeo copy`, and the same push once more when
# nothing has changed: tools/push-speed.sh CIRCLES-INFRA. Needs docker-registry, skopeo, and a Python with the sandbox's packages
# (CIRCLES_TEST_PYTHON). Everything it starts it ends; everything it writes is in a temporary folder.
set -euo pipefail
bin=$(realpath "$1")
here=$(cd "$(dirname "$0")/.." && pwd)
python=${CIRCLES_TEST_PYTHON:-python3}
work=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT

port=$("$python" -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])')
cat >"$work/registry.yml" <<YAML
version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: $work/registry }, delete: { enabled: true } }
http: { addr: 127.0.0.1:$port }
YAML
docker-registry serve "$work/registry.yml" >"$work/registry.log" 2>&1 &
pids+=($!)
PYTHONPATH=$here/src/sandbox "$python" -m realism --port 0 --port-file "$work/port" --clock-factor 0 >"$work/sandbox.log" 2>&1 &
pids+=($!)
for _ in $(seq 300); do [ -s "$work/port" ] && break; sleep 0.1; done
aws=http://127.0.0.1:$(cat "$work/port")
for _ in $(seq 100); do curl -sf --noproxy '*' "http://127.0.0.1:$port/v2/" >/dev/null && break; sleep 0.1; done

export AWS_ENDPOINT_URL=$aws AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b AWS_REGION=us-east-1
export CIRCLES_SETTLE_WINDOW=300ms CIRCLES_STATE_DIR=$work/state XDG_CACHE_HOME=$work/cache
run() { "$bin" --stack "$here/stacks/circles.yaml" --quiet "$@"; }
run apply --yes >/dev/null
curl -sf --noproxy '*' -X POST "$aws/_sandbox/registry" -d "{\"endpoint\": \"http://127.0.0.1:$port\"}" >/dev/null

# An image of five layers, 10 MB each, that do not compress.
"$python" - "$work" <<'PYTHON'
import hashlib, io, json, os, sys, tarfile
work = sys.argv[1]
def image(name, seed):
    blobs = [os.urandom(10_000_000) for _ in range(5)]
    digest = lambda data: "sha256:" + hashlib.sha256(data).hexdigest()
    config = json.dumps({"os": "linux", "architecture": "amd64", "config": {},
                         "rootfs": {"type": "layers", "diff_ids": [digest(blob) for blob in blobs]}}).encode()
    kind = "application/vnd.oci.image."
    manifest = json.dumps({"schemaVersion": 2, "mediaType": kind + "manifest.v1+json",
        "config": {"mediaType": kind + "config.v1+json", "digest": digest(config), "size": len(config)},
        "layers": [{"mediaType": kind + "layer.v1.tar+gzip", "digest": digest(blob), "size": len(blob)} for blob in blobs]}).encode()
    index = json.dumps({"schemaVersion": 2, "manifests": [{"mediaType": kind + "manifest.v1+json", "digest": digest(manifest),
        "size": len(manifest), "platform": {"os": "linux", "architecture": "amd64"}}]}).encode()
    files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": index}
    files.update({"blobs/" + digest(data).replace(":", "/"): data for data in [config, manifest, *blobs]})
    with tarfile.open(f"{work}/{name}.tar", "w") as tar:
        for path, data in files.items():
            info = tarfile.TarInfo(path); info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
for number in range(3):
    image(f"ours{number}", number)
    image(f"theirs{number}", number)
PYTHON

seconds() { local start=$EPOCHREALTIME; "$@" >"$work/out" 2>&1 || { cat "$work/out" >&2; exit 1; }; "$python" -c "print(round($EPOCHREALTIME - $start, 2))"; }
best() { sort -n | head -1; }
theirs=$(for n in 0 1 2; do seconds skopeo copy -q --dest-tls-verify=false "oci-archive:$work/theirs$n.tar" "docker://127.0.0.1:$port/circles-app:theirs$n"; done | best)
ours=$(for n in 0 1 2; do seconds run deploy --image "$work/ours$n.tar" --no-wait; done | best)
again=$(for n in 0 1 2; do seconds run deploy --image "$work/ours2.tar" --no-wait; done | best)
plan=$(for n in 0 1 2; do seconds run plan; done | best)
echo "skopeo copy, 50 MB:                 $theirs s"
echo "deploy, 50 MB, whole command:       $ours s (looking at the stack included: a plan takes $plan s)"
echo "deploy of the same image, no layer: $again s"
"$python" -c "print('ratio of the push (deploy without the look): %.2f' % (($ours - $plan) / $theirs))"
