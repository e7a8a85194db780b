"""How the image runs, read from the last stage of `app/Dockerfile`."""

import json
import re
import shlex
from pathlib import Path

from refused import Refused

PATH = Path(__file__).resolve().parent.parent / "Dockerfile"
# Docker's durations are nanoseconds (moby, api/types/container: HealthConfig).
SECOND = 1_000_000_000


def last_stage(path=PATH):
    """The stage's settings, and where RDS's authorities come from and go to."""
    text = path.read_text().replace("\\\n", " ")
    found = {"env": []}
    for line in re.split(r"(?m)^FROM .*$", text)[-1].splitlines():
        word, _, rest = line.strip().partition(" ")
        if word in ("ENTRYPOINT", "CMD"):
            found[word.lower()] = json.loads(rest)
        elif word in ("USER", "EXPOSE", "STOPSIGNAL"):
            found[word.lower()] = rest.strip()
        elif word == "ENV":
            found["env"] += shlex.split(rest)
        elif word == "HEALTHCHECK":
            found["healthcheck"] = healthcheck(rest)
        elif word == "ADD" and "rds" in rest:
            found["rds_ca"] = added(rest)
        elif word == "COPY" and rest.startswith("--from=build "):
            found["binary"] = rest.split()[-1]
    wanted = {"user", "expose", "stopsignal", "entrypoint", "cmd", "healthcheck", "rds_ca", "binary"}
    if missing := wanted - found.keys():
        raise Refused(f"{path}: its last stage has no {', '.join(sorted(missing)).upper()}")
    if not re.fullmatch(r"[1-9]\d*:[1-9]\d*", found["user"]):
        raise Refused(f"{path}: USER {found['user']}: expected the numbers of a user and a group that are not root")
    return found


def healthcheck(text):
    names = {"interval": "Interval", "timeout": "Timeout", "start-period": "StartPeriod"}
    options, _, command = text.partition("CMD ")
    check = {"Test": ["CMD", *json.loads(command)]}
    for name, seconds in re.findall(r"--([a-z-]+)=(\d+)s", options):
        check[names[name]] = int(seconds) * SECOND
    return check


def added(text):
    checksum = re.search(r"--checksum=sha256:([0-9a-f]{64})", text)
    if checksum is None:
        raise Refused(f"{PATH}: the authorities of RDS are added without --checksum=sha256:…")
    *_, url, target = text.split()
    return {"sha256": checksum[1], "url": url, "path": target}
