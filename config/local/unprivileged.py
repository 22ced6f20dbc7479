"""Becomes the program named after `--`: without root's rights, and never outliving the launcher.

Runs by path and isolated (`python -I -S`), so it imports the standard library only, and imports
all of it first: once root's rights are gone, Python's own files may be out of reach.
"""

import argparse
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_SET_SECUREBITS = 28
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
SECBIT_NO_SETUID_FIXUP = 1 << 2
CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
# Tried in this order: no right at all, then walking through closed parents such as /root
# (mode 700), then the wider right for files that nobody else may execute (umask 077).
LADDER: tuple[int | None, ...] = (None, CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE)


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Sets(ctypes.Structure):
    _fields_ = [
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    ]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="unprivileged")
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--death-signal", type=int, default=int(signal.SIGTERM))
    parser.add_argument("--user", type=int)
    parser.add_argument("--group", type=int)
    parser.add_argument("--needs", action="append", default=[])
    parser.add_argument("command", nargs="+")
    options = parser.parse_args(arguments)
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

    if options.user is not None:
        try:
            _become(options.user, options.group, libc)
        except OSError as error:
            return _give_up(f"cannot run as user {options.user}: {error}")
        if not _reach(options.command[0], options.needs, libc):
            return _give_up(
                f"user {options.user} cannot reach {options.command[0]} or {options.needs}. "
                "Run as an ordinary user, or move the project to a folder which others may enter."
            )
    if libc is not None:
        # After the change of user, which clears it.
        libc.prctl(PR_SET_PDEATHSIG, options.death_signal, 0, 0, 0)
        if os.getppid() != options.parent:
            return _give_up("the launcher has gone")
    try:
        os.execvp(options.command[0], options.command)  # noqa: S606
    except OSError as error:
        return _give_up(f"cannot start {options.command[0]}: {error.strerror}")


def _become(user: int, group: int, libc: ctypes.CDLL | None) -> None:
    if libc is not None:
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
        # PostgreSQL asks access(2) about its own file, which forgets capabilities without this.
        libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    if sys.platform == "linux":
        os.setresgid(group, group, group)
        os.setresuid(user, user, user)
    else:
        os.setgid(group)
        os.setuid(user)


def _reach(binary: str, folders: Sequence[str], libc: ctypes.CDLL | None) -> bool:
    """Climb the ladder until the program starts and its folders open."""
    for capability in LADDER:
        if not _hold(capability, libc):
            continue
        try:
            if not os.access(binary, os.R_OK | os.X_OK):
                continue
            for folder in folders:
                os.listdir(folder)
            subprocess.run([binary, "--version"], check=True, capture_output=True, cwd="/")
        except (OSError, subprocess.SubprocessError):
            continue
        return True
    return False


def _hold(capability: int | None, libc: ctypes.CDLL | None) -> bool:
    """Hold one capability or none, and hand the same to the programs we start."""
    if libc is None:
        return capability is None
    header = _Header(CAPABILITY_VERSION_3, 0)
    sets = (_Sets * 2)()
    if libc.capget(ctypes.byref(header), sets) != 0:
        return False
    bits = 0 if capability is None else 1 << capability
    sets[0].effective = sets[0].inheritable = bits
    sets[1].effective = sets[1].inheritable = 0
    if libc.capset(ctypes.byref(header), sets) != 0:
        return False
    if capability is None:
        return True
    return bool(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) == 0)


def _give_up(reason: str) -> int:
    print(f"unprivileged: {reason}", file=sys.stderr, flush=True)
    return 126


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
