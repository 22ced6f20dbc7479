"""`python -m config.local models`: the language model, fetched by a command of its own."""

import os
from collections.abc import Mapping
from pathlib import Path

from config.local import models
from config.local.bridge_tests import is_ci
from config.local.folders import Folder, UnableToStart
from config.local.launch import child_environment
from config.local.processes import Stopped, Supervisor
from config.local.screen import Screen


def fetch(
    project: Path, environ: Mapping[str, str], screen: Screen, *, is_optional: bool = False
) -> int:
    """Fetch and make what is missing.

    `is_optional`: where it cannot be had, say so and go on; never in CI.
    """
    is_optional = is_optional and not is_ci(environ)
    folder = Folder(project=project, data=project / "var")
    folder.make()
    record = folder.run / f"models-{os.getpid()}.json"
    try:
        with Supervisor(record=record, report=screen.say) as supervisor:
            models.prepare(supervisor, folder, screen, child_environment(environ, {}))
    except UnableToStart as error:
        screen.trouble(error, folder, begin=models.MISSING if is_optional else "Cannot go on")
        return 0 if is_optional else 1
    except Stopped:
        return 130
    return 0
