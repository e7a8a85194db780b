"""The authorities that sign the certificates of RDS databases.

AWS publishes them in one file (RDS user guide, "Using SSL/TLS to encrypt a connection to a DB instance"). It does not come with the
repository: it is fetched once into the cache folder, and its digest must be the one that the Dockerfile pins. When AWS adds a region
the digest changes and the build stops, so that somebody looks before new authorities are trusted.
"""

import hashlib
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

from refused import Refused


def bundle(chosen, pinned):
    """The bundle: from the file `chosen`, or None for `none`, or the pinned one from the cache or AWS when `chosen` is empty."""
    if chosen == "none":
        return None
    if chosen:
        return given(Path(chosen), pinned)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "circles-infra")
    kept = cache / f"rds-ca-{pinned['sha256'][:12]}.pem"
    if kept.is_file() and sha256(kept.read_bytes()) == pinned["sha256"]:
        return kept.read_bytes()
    data = fetch(pinned)
    cache.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(data)
    return data


def given(path, pinned):
    if not path.is_file():
        raise Refused(f"{path}: no such file; it should be the bundle from {pinned['url']}")
    data = certificates(path, path.read_bytes())
    if sha256(data) != pinned["sha256"]:
        print(f"note: {path} is not the bundle that app/Dockerfile pins; it is taken because you gave it", file=sys.stderr)
    return data


def fetch(pinned):
    url = pinned["url"]
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 (an https address of ours)
            data = answer.read()
    except (urllib.error.URLError, OSError) as problem:
        raise Refused(
            f"the authorities of RDS cannot be fetched from {url}: {getattr(problem, 'reason', problem)}.\n"
            "  Fetch that file where there is a way to it, then:  make image RDS_CA=FILE\n"
            "  For a database that is not on RDS:                 make image RDS_CA=none"
        ) from None
    if sha256(data) != pinned["sha256"]:
        raise Refused(
            f"{url} is not the file that app/Dockerfile pins (sha256 {sha256(data)} instead of {pinned['sha256']}): AWS has added or\n"
            "  dropped authorities, or somebody is in between. Look at it, then put the new digest into app/Dockerfile"
        )
    return certificates(url, data)


def certificates(where, data):
    """`data`, when it is certificates in PEM and nothing secret."""
    count = data.count(b"-----BEGIN CERTIFICATE-----")
    if count == 0 or count != data.count(b"-----END CERTIFICATE-----") or b"PRIVATE KEY" in data:
        raise Refused(f"{where} is no bundle of certificates in PEM")
    return data


def sha256(data):
    return hashlib.sha256(data).hexdigest()
