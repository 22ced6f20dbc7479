"""The bridge's own checks and tests, which run under Node."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.local import node
from config.local.execute import execute
from config.local.folders import Folder, UnableToStart
from config.local.launch import child_environment, shell_code
from config.local.node import BRIDGE, Node
from config.local.processes import Stopped, Supervisor
from config.local.screen import Screen


@dataclass(frozen=True)
class Suite:
    """Test files that run together: so many at a time, beside servers or without."""

    folder: str
    at_a_time: int
    needs_servers: bool = False


# Mostly they wait for one another: more at a time would only be slower ones.
SUITES = (Suite("test/fake", 2), Suite("test/bridge", 2, needs_servers=True))


def is_ci(environ: Mapping[str, str]) -> bool:
    """Whether nothing may be left out."""
    return environ.get("CI", "").lower() not in ("", "0", "false")


def check_types(project: Path, environ: Mapping[str, str], screen: Screen) -> bool:
    """Check the bridge's types, where a Node is at hand; say so loudly where none is."""
    environment = child_environment(environ, {})
    if node.at_hand(project, environment["PATH"]) is None and not is_ci(environ):
        screen.say("  Types of the bridge: NOT CHECKED, for there is no Node here.")
        screen.say("    What to do: `make test-bridge` fetches one; or install Node 20 or newer.")
        return True
    found = _prepared(project, environ, screen, is_optional=not is_ci(environ))
    if found is None:
        return not is_ci(environ)
    with screen.step("Types of the bridge"):
        done = subprocess.run(
            [str(found.program), "node_modules/typescript/bin/tsc", "--noEmit", "-p", "tsconfig.json"],
            cwd=project / BRIDGE,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )  # fmt: skip
        if done.returncode == 0:
            return True
        screen.say(done.stdout.rstrip())
    return False


def test(
    project: Path, environ: Mapping[str, str], screen: Screen, *, is_optional: bool = False
) -> int:
    """Run the tests of the bridge and of the local WhatsApp server; the first failure ends it.

    `is_optional`: where Node or the packages cannot be had, say so and go on; never in CI.
    """
    is_optional = is_optional and not is_ci(environ)
    found = _prepared(project, environ, screen, is_optional=is_optional)
    if found is None:
        return 0 if is_optional else 1
    if not check_types(project, environ, screen):
        return 1
    told = {**environ, "PATH": found.path(environ.get("PATH", os.defpath))}
    for suite in SUITES:
        # Node's later versions take files only, earlier ones folders as well.
        files = sorted(str(path) for path in (project / BRIDGE / suite.folder).glob("*.test.js"))
        words = [str(found.program), "--test", f"--test-concurrency={suite.at_a_time}", *files]
        if suite.needs_servers:
            code = execute(project, told, screen, words)
        else:
            code = shell_code(subprocess.run(words, cwd=project, env=told, check=False).returncode)
        if code != 0:
            return code
    return 0


def fetch(project: Path, environ: Mapping[str, str], screen: Screen) -> int:
    """Fetch what the bridge needs, for measurements; where that fails, say so and go on."""
    _prepared(project, environ, screen, is_optional=True)
    return 0


def _prepared(
    project: Path, environ: Mapping[str, str], screen: Screen, *, is_optional: bool
) -> Node | None:
    folder = Folder(project=project, data=project / "var")
    folder.make()
    # A record of its own: `make run` keeps its own in this folder.
    record = folder.run / f"bridge-tests-{os.getpid()}.json"
    try:
        with Supervisor(record=record, report=screen.say) as supervisor:
            return node.prepare(
                supervisor, folder, screen, child_environment(environ, {}), with_tools=True
            )
    except UnableToStart as error:
        screen.trouble(
            error, folder, begin="The bridge is NOT TESTED" if is_optional else "Cannot go on"
        )
        return None
    except Stopped:
        sys.exit(130)
