"""Makes `.venv` and installs what is pinned: `python config/local/virtualenv.py requirements.txt`.

Runs by path under the machine's own Python, before anything is installed: standard library only.
The Makefile skips it when `.venv/installed/` holds the same requirements already.
"""

import fcntl
import importlib.util
import os
import re
import select
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Sequence
from pathlib import Path

VENV = Path(".venv")
INSTALLED = VENV / "installed"
PYTHON = VENV / "bin" / "python"
# The development requirements contain the others, pinned alike.
CONTAINED = {"requirements-dev.txt": "requirements.txt"}
REPORT_SECONDS = 5.0


class UnableToInstall(Exception):
    pass


def main(arguments: Sequence[str]) -> int:
    os.chdir(Path(__file__).resolve().parents[2])
    try:
        for name in arguments:
            install(Path(name))
    except UnableToInstall as error:
        print(f"\nCannot go on: {error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The next start goes on from here.", file=sys.stderr, flush=True)
        return 130
    return 0


def install(requirements: Path) -> None:
    try:
        Path("var/run").mkdir(parents=True, exist_ok=True)
        with open("var/run/install.lock", "w") as lock:
            # Two commands started at once in a fresh folder: the second waits, then finds it done.
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not is_installed(requirements):
                if not _is_usable():
                    _make()
                _install(requirements)
    except PermissionError as error:
        raise UnableToInstall(
            f"{error.filename} may not be written.\nWhat to do: it was made by another user, "
            "perhaps root. Start as that user, or: sudo chown -R $(id -un) ."
        ) from error


def is_installed(requirements: Path) -> bool:
    noted = INSTALLED / requirements.name
    return _is_usable() and noted.exists() and noted.read_bytes() == requirements.read_bytes()


def _is_usable() -> bool:
    """Made to the end, and in this very folder: its programs name their Python by full path."""
    note = INSTALLED / "folder"
    return os.access(PYTHON, os.X_OK) and note.exists() and note.read_text().strip() == os.getcwd()


def _make() -> None:
    if importlib.util.find_spec("ensurepip") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise UnableToInstall(
            f"{sys.executable} cannot make virtualenvs: its module ensurepip is missing.\n"
            f"What to do: on Debian and Ubuntu, sudo apt install python{version}-venv"
        )
    began = time.monotonic()
    _say("  Making the virtualenv ...", end="")
    shutil.rmtree(VENV, ignore_errors=True)
    try:
        venv.create(VENV, with_pip=True)
    except subprocess.CalledProcessError as error:
        raise UnableToInstall(f"the virtualenv could not be made: {error}") from error
    INSTALLED.mkdir()
    (INSTALLED / "folder").write_text(f"{os.getcwd()}\n")
    _say(f" ok, {time.monotonic() - began:.1f} s")


def _install(requirements: Path) -> None:
    total = len(re.findall(r"^[A-Za-z0-9]", requirements.read_text(), flags=re.MULTILINE))
    log = INSTALLED / "pip.log"
    # Isolated from PYTHONPATH and the like; pip's own settings (index, proxy) stay in force.
    command = [str(PYTHON.absolute()), "-I", "-m", "pip", "install", "--require-hashes"]
    command += ["--no-input", "--disable-pip-version-check", "--no-user", "-r", str(requirements)]
    began = time.monotonic()
    code = _run(command, log, title=f"  Installing {total} packages", total=total)
    if code != 0:
        lines = "\n".join(f"    {line}" for line in log.read_text().splitlines()[-12:])
        raise UnableToInstall(
            f"pip ended with code {code}. Its last lines:\n{lines}\n"
            "What to do: look whether the network and the disk are well, then start again; what "
            "was installed stays. Python 3.11 is what the pinned files were chosen for."
        )
    for name in (requirements.name, CONTAINED.get(requirements.name)):
        if name is not None:
            shutil.copyfile(name, INSTALLED / name)
    _say(f"  Installed {total} packages in {time.monotonic() - began:.0f} s")


def _run(command: list[str], log: Path, *, title: str, total: int) -> int:
    began = said = time.monotonic()
    _say(f"{title} ...")
    seen = 0
    with (
        log.open("wb") as file,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process,
    ):
        assert process.stdout is not None
        while True:
            if select.select([process.stdout], [], [], 1.0)[0]:
                text = os.read(process.stdout.fileno(), 65_536)
                if not text:
                    break
                file.write(text)
                file.flush()
                seen += len(re.findall(rb"^Collecting |^Requirement already", text, re.MULTILINE))
                if b"Installing collected packages" in text:
                    seen = total
            if time.monotonic() - said >= REPORT_SECONDS:
                said = time.monotonic()
                what = f"{seen} of {total} fetched" if seen < total else "unpacking"
                _say(f"    {what}, {said - began:.0f} s")
        return process.wait()


def _say(text: str, end: str = "\n") -> None:
    # Beside standard output, which belongs to the command that comes after (`make bench`).
    print(text, end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
