"""Become a program of an unpacked image: `enter.py ROOT UID GID FOLDER PROGRAM ARGUMENT…`.

A script of its own, between fork and exec of a task: it changes into the image's root with what the kernel allows this user
(root: a mount namespace and chroot; anybody: the same in a user namespace), and else runs the program with the image's own
loader and libraries where it is. The environment is the task's, untouched.
"""

import ctypes
import os
import signal
import struct
import sys

NEWNS, NEWUSER = 0x00020000, 0x10000000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def main(root, uid, gid, folder, *argv):
    uid, gid = int(uid), int(gid)
    if not (into_root(root, uid, gid) if os.geteuid() == 0 else into_own_namespace(root, uid, gid)):
        with_own_loader(root, folder, argv)
    # Changing the user forgets it.
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    for wanted in (folder, "/"):
        try:
            os.chdir(wanted)
            break
        except OSError:
            continue
    run(argv)


def run(argv):
    # By hand: os.execvpe imports modules, and in the image's root there are none.
    places = [""] if "/" in argv[0] else [f"{place}/" for place in (os.environ.get("PATH") or "/usr/bin:/bin").split(":")]
    problem = FileNotFoundError(2, "no such file or directory")
    for place in places:
        try:
            os.execve(place + argv[0], argv, os.environ)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            problem = error
    # As a container runtime says it, with the exit codes of a shell.
    os.write(2, f"exec {argv[0]}: {(problem.strerror or str(problem)).lower()}\n".encode())
    os._exit(127 if isinstance(problem, FileNotFoundError) else 126)


def into_root(root, uid, gid):
    if LIBC.unshare(NEWNS) == 0:
        mounts(root)
    try:
        os.chroot(root)
    except OSError:
        return False
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    return True


def into_own_namespace(root, uid, gid):
    mine = os.getuid(), os.getgid()
    if LIBC.unshare(NEWNS | NEWUSER) != 0:
        return False
    try:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {mine[0]} 1"), ("gid_map", f"{gid} {mine[1]} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
        mounts(root)
        os.chroot(root)
    except OSError:
        return False
    return True


def mounts(root):
    """/dev, /proc and the way to names, where they can be mounted: they are seen by this task alone, and end with it."""
    LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    for name in ("/dev", "/proc", "/etc/resolv.conf", "/etc/hosts"):
        inside = root + name
        try:
            if os.path.isdir(name):
                os.makedirs(inside, exist_ok=True)
            elif os.path.exists(name) and not os.path.lexists(inside):
                os.makedirs(os.path.dirname(inside), exist_ok=True)
                open(inside, "a").close()
        except OSError:
            continue
        if not os.path.islink(inside):
            LIBC.mount(name.encode(), inside.encode(), None, MS_BIND | MS_REC, None)


def with_own_loader(root, folder, argv):
    """Without leave to change the root: the program lies below it, and so do its loader and its libraries."""
    path = os.environ.get("PATH") or "/usr/local/bin:/usr/bin:/bin"
    candidates = [argv[0]] if "/" in argv[0] else [f"{place}/{argv[0]}" for place in path.split(":")]
    program = next((root + name for name in candidates if os.access(root + name, os.X_OK)), None)
    if program is None:
        run(argv)
    loader = interpreter(program)
    os.chdir(root + folder if os.path.isdir(root + folder) else root)
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if loader is None:
        os.execve(program, argv, os.environ)
    libraries = [entry for base in ("/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib")
                 for entry in [root + base, *(f"{root}{base}/{name}" for name in listed(root + base) if "-linux-" in name)]]
    # Absolute links of the image lead out of it here, so the loader is looked for by its real name.
    os.execve(inside(root, loader), [loader, "--library-path", ":".join(libraries), "--argv0", argv[0], program, *argv[1:]],
              os.environ)


def listed(folder):
    try:
        return os.listdir(folder)
    except OSError:
        return []


def inside(root, name):
    for _ in range(40):
        if not os.path.islink(root + name):
            break
        name = os.path.normpath(os.path.join(os.path.dirname(name), os.readlink(root + name)))
    return root + name


def interpreter(program):
    """The loader that a 64-bit ELF program names; None for a static one, a script or anything else."""
    with open(program, "rb") as file:
        head = file.read(64)
        if head[:5] != b"\x7fELF\x02":
            return None
        offset, size, count = struct.unpack_from("<Q", head, 32)[0], *struct.unpack_from("<HH", head, 54)
        for number in range(count):
            file.seek(offset + number * size)
            kind, _, start, _, _, length = struct.unpack("<IIQQQQ", file.read(40))
            if kind == 3:
                file.seek(start)
                return file.read(length).rstrip(b"\0").decode()
    return None


if __name__ == "__main__":
    main(*sys.argv[1:])
