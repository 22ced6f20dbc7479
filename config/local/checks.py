"""`make check`: everything that can be said about the code without running its tests."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.local import bridge_tests
from config.local.execute import execute
from config.local.screen import Screen

PACKAGES = ("config", "lib", "workspaces", "billing", "ai", "connections", "faqs", "messaging")


@dataclass(frozen=True)
class Check:
    name: str
    command: tuple[str, ...]
    remedy: str
    needs_servers: bool = False


CHECKS = (
    Check("Layout of the code", ("ruff", "format", "--check", "."), "make format"),
    Check("Lint", ("ruff", "check", "."), "make format mends some; the rest by hand"),
    Check("Who imports whom", ("lint-imports",), "see docs/architecture.md; arrows go down only"),
    # The types of models come from the settings, and those want servers to be named.
    Check(
        "Types",
        ("mypy", *PACKAGES, "tests", "manage.py"),
        "mend the lines above",
        needs_servers=True,
    ),
    Check(
        "Migrations are complete",
        ("python", "manage.py", "makemigrations", "--check", "--dry-run"),
        ".venv/bin/python manage.py makemigrations",
        needs_servers=True,
    ),
    Check(
        "A new workspace's tables are a migrated one's",
        ("python", "manage.py", "check_schemas"),
        "the lines above differ; workspaces/blueprint.py leaves something out",
        needs_servers=True,
    ),
    Check(
        "Settings",
        ("python", "manage.py", "check", "--fail-level", "WARNING"),
        "the lines above name what to set",
        needs_servers=True,
    ),
)


class Failed(Exception):
    def __init__(self, each: Check, done: subprocess.CompletedProcess[str]) -> None:
        super().__init__(each.name)
        self.lines = (
            done.stdout.rstrip(),
            f"`{' '.join(each.command)}` ended with code {done.returncode}.",
            f"What to do: {each.remedy}",
        )


def check(project: Path, environ: Mapping[str, str], screen: Screen) -> int:
    """Run the checks in order; the first failure ends it. Those that want servers come last and
    share them."""
    if not _pass(project, environ, screen, with_servers=False):
        return 1
    if not bridge_tests.check_types(project, environ, screen):
        return 1
    # Again this program, now beside servers.
    again = [sys.executable, "-m", "config.local", "check-with-servers"]
    return execute(project, environ, screen, again)


def check_with_servers(project: Path, environ: Mapping[str, str], screen: Screen) -> int:
    return 0 if _pass(project, environ, screen, with_servers=True) else 1


def _pass(project: Path, environ: Mapping[str, str], screen: Screen, *, with_servers: bool) -> bool:
    try:
        for each in CHECKS:
            if each.needs_servers is with_servers:
                with screen.step(each.name):
                    _run(each, project, environ)
    except Failed as failure:
        for line in failure.lines:
            screen.say(line)
        return False
    return True


def _run(each: Check, project: Path, environ: Mapping[str, str]) -> None:
    program = Path(sys.executable).parent / each.command[0]
    done = subprocess.run(
        [program, *each.command[1:]],
        cwd=project,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Failed(each, done)
