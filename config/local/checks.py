"""`make check`: everything that can be said about the code without running its tests."""

import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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
    Check("Types", ("mypy", *PACKAGES, "tests", "manage.py"), "mend the lines above"),
    Check("Who imports whom", ("lint-imports",), "see docs/architecture.md; arrows go down only"),
    Check(
        "Migrations are complete",
        ("python", "manage.py", "makemigrations", "--check", "--dry-run"),
        ".venv/bin/python manage.py makemigrations",
        needs_servers=True,
    ),
    Check(
        "Settings",
        ("python", "manage.py", "check", "--fail-level", "WARNING"),
        "the lines above name what to set",
        needs_servers=True,
    ),
)


def check(project: Path, environ: Mapping[str, str], screen: Screen) -> int:
    """Run the checks in order, the first failure ends it. Those that ask a database come last and
    share one."""
    for each in CHECKS:
        if not each.needs_servers and not _passes(each, project, environ, screen):
            return 1
    # Again this program, now beside servers.
    again = [sys.executable, "-m", "config.local", "check-with-servers"]
    return execute(project, environ, screen, again)


def check_with_servers(project: Path, environ: Mapping[str, str], screen: Screen) -> int:
    checks = [each for each in CHECKS if each.needs_servers]
    return 0 if all(_passes(each, project, environ, screen) for each in checks) else 1


def _passes(each: Check, project: Path, environ: Mapping[str, str], screen: Screen) -> bool:
    began = time.monotonic()
    screen.say(f"  {each.name} ...", end="")
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
    if done.returncode == 0:
        screen.say(f" ok, {time.monotonic() - began:.1f} s")
        return True
    screen.say(" failed")
    screen.say(done.stdout.rstrip())
    screen.say(f"`{' '.join(each.command)}` ended with code {done.returncode}.")
    screen.say(f"What to do: {each.remedy}")
    return False
