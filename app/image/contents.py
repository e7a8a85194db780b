"""What the image holds: the binary, what it loads, whom it trusts."""

import platform
import re
import subprocess
import tempfile
from pathlib import Path

from rds_ca import certificates
from refused import Refused

SYSTEM_CA = "/etc/ssl/certs/ca-certificates.crt"
LOADER = "/lib64/ld-linux-x86-64.so.2"
LIBRARIES = "/lib/x86_64-linux-gnu"
# Loaded by glibc by name when it resolves hosts, so the loader does not list them.
RESOLVER = ["libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2"]
# From this version on glibc reads /etc/hosts and asks name servers without further modules.
OLDEST_GLIBC = (2, 34)
MAX_BINARY = 200 * 1024 * 1024
WITH_DOCKER = "use `docker build --platform linux/amd64 -f app/Dockerfile .`"


def files(binary, authorities, settings):
    """Every file: absolute path -> (contents, mode). `authorities` are those of RDS, or None."""
    uid, gid = settings["user"].split(":")
    passwd = f"root:x:0:0:root:/root:/usr/sbin/nologin\ncircles:x:{uid}:{gid}:circles:/nonexistent:/usr/sbin/nologin\n"
    found = {
        settings["binary"]: (read_binary(binary), 0o755),
        "/etc/passwd": (passwd.encode(), 0o644),
        "/etc/group": (f"root:x:0:\ncircles:x:{gid}:\n".encode(), 0o644),
        "/etc/nsswitch.conf": (b"passwd: files\ngroup: files\nhosts: files dns\n", 0o644),
        SYSTEM_CA: (system_authorities(), 0o644),
    }
    if authorities is not None:
        found[settings["rds_ca"]["path"]] = (authorities, 0o644)
    found.update(libraries(binary))
    return found


def read_binary(binary):
    if not binary.is_file():
        raise Refused(f"{binary}: no such file; build it with `cargo build --profile service -p circles-app`")
    with binary.open("rb") as program:
        head = program.read(20)
    # ELF, 64 bits, little endian, machine 62: x86-64 (System V ABI, chapter 4).
    if head[:6] != b"\x7fELF\x02\x01" or int.from_bytes(head[18:20], "little") != 62:
        raise Refused(f"{binary} is no program for linux/amd64: {WITH_DOCKER}")
    data = stripped(binary)
    if len(data) > MAX_BINARY:
        raise Refused(f"{binary} has {len(data) // 1_000_000} MB: is it a debug build?")
    return data


def stripped(binary):
    """The program without symbols; `strip` comes with the linker, which the build needs anyway."""
    with tempfile.TemporaryDirectory() as folder:
        slim = Path(folder, "circles-app")
        try:
            done = subprocess.run(["strip", "-o", slim, binary], capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise Refused("`strip` is missing: apt-get install -y binutils") from None
        if done.returncode != 0:
            raise Refused(f"{binary} cannot be stripped: {done.stderr.strip()}")
        return slim.read_bytes()


def libraries(binary):
    """The loader, and what it would load for `binary` on this machine."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        raise Refused(f"the libraries come from this machine, which is not linux/amd64: {WITH_DOCKER}")
    name, version = platform.libc_ver()
    if name != "glibc" or tuple(map(int, version.split("."))) < OLDEST_GLIBC:
        raise Refused(f"needs glibc 2.34 or newer, here is {name or 'another C library'} {version}: {WITH_DOCKER}")
    listed = subprocess.run([LOADER, "--list", binary], capture_output=True, text=True, check=False)
    if listed.returncode != 0 or "not found" in listed.stdout:
        raise Refused(f"{binary} cannot be loaded here: {(listed.stdout + listed.stderr).strip()}")
    paths = [Path(p) for p in re.findall(r"=> (/\S+)", listed.stdout) if p != LOADER]
    beside = next((p.parent for p in paths if p.name == "libc.so.6"), None)
    if beside is not None:
        paths += [beside / name for name in RESOLVER if (beside / name).exists()]
    found = {f"{LIBRARIES}/{p.name}": (p.read_bytes(), 0o755) for p in paths}
    found[LOADER] = (Path(LOADER).read_bytes(), 0o755)
    return found


def system_authorities():
    path = Path(SYSTEM_CA)
    if not path.exists():
        raise Refused(f"{SYSTEM_CA} is missing: apt-get install -y ca-certificates")
    return certificates(path, path.read_bytes())
