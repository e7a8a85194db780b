#!/usr/bin/env python3
"""Builds the service's image as an OCI archive, without a Docker daemon and with the standard library alone.

    app/image/build.py --binary target/service/circles-app --output circles-app.tar [--rds-ca FILE | --rds-ca none]

The image holds the binary, the shared libraries that the loader gives it on this machine (linux/amd64, glibc 2.34 or newer), the
system's certificate authorities, those of RDS, and nothing else: no shell, no package manager. How it runs (user, port, entry point,
health check, environment) is read from the last stage of `app/Dockerfile`, so that both ways of building make the same image. The
same inputs give the same bytes: names are sorted, times are SOURCE_DATE_EPOCH (0 without it), owners are numbers.

The archive is an OCI image layout (`skopeo copy oci-archive:…`, `circles-infra deploy --image …`) that `docker load` reads as well.
"""

import argparse
import os
import sys
from datetime import datetime, timezone
from pathlib import Path

import archive
import contents
import dockerfile
import rds_ca
from refused import Refused


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--binary", type=Path, required=True, help="the circles-app built for linux/amd64")
    arguments.add_argument("--output", type=Path, required=True, help="where the archive goes")
    arguments.add_argument("--rds-ca", default="", help="PEM file with the authorities of RDS; `none` for a database elsewhere; else fetched from AWS")
    arguments.add_argument("--tag", default="circles-app:latest", help="the name `docker load` gives it")
    chosen = arguments.parse_args()
    try:
        print(build(chosen))
    except (Refused, OSError) as problem:
        sys.exit(f"error: {problem}")


def build(chosen):
    created = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), timezone.utc)
    settings = dockerfile.last_stage()
    authorities = rds_ca.bundle(chosen.rds_ca, settings["rds_ca"])
    if authorities is None:
        settings["env"] = [e for e in settings["env"] if not e.startswith("PGSSLROOTCERT=")]
    layer = archive.layer(contents.files(chosen.binary, authorities, settings), created)
    name = archive.write(chosen.output, chosen.tag, layer, settings, created)
    size = chosen.output.stat().st_size / 1e6
    return f"{chosen.output}: {name}, linux/amd64, {size:.1f} MB packed, {len(layer) / 1e6:.1f} MB unpacked"


if __name__ == "__main__":
    main()
