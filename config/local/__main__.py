"""python -m config.local {run,exec,check,test-bridge,bridge-packages,models,clean}: Backroom on one bare machine."""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from config.local import bridge_tests, checks, execute, fetching, launch, screen
from config.local.folders import PROJECT, Folder, Lock, UnableToStart


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m config.local", description=__doc__)
    parser.add_argument("--folder", type=Path, default=PROJECT, help="the project's folder")
    commands = parser.add_subparsers(dest="name", required=True)
    run = commands.add_parser("run", help="start everything and keep it alive")
    run.add_argument("--once-ready", metavar="COMMAND", help="run this, then stop everything")
    execute_parser = commands.add_parser("exec", help="run a command beside servers of its own")
    execute_parser.add_argument("--keep", action="store_true", help="keep a passing folder's data")
    execute_parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    commands.add_parser("check", help="check the code")
    commands.add_parser("check-with-servers", help="the part of check that asks a database")
    bridge = commands.add_parser("test-bridge", help="run the bridge's own tests, under Node")
    bridge.add_argument("--or-skip", action="store_true", help="go on where there is no Node")
    commands.add_parser("bridge-packages", help="fetch what the bridge needs, if it can be had")
    model = commands.add_parser("models", help="fetch the language model that ranks answers")
    model.add_argument("--or-skip", action="store_true", help="go on where it cannot be had")
    commands.add_parser("clean", help="remove this folder's data")
    options = parser.parse_args(arguments)

    project = options.folder.resolve()
    if options.name == "run":
        out = screen.standard(is_quiet_output=False)
        return launch.run(project, os.environ, out, once_ready=options.once_ready)
    if options.name == "clean":
        return _clean(project)
    if options.name == "check":
        return checks.check(project, os.environ, screen.standard(is_quiet_output=False))
    if options.name == "test-bridge":
        out = screen.standard(is_quiet_output=False)
        return bridge_tests.test(project, os.environ, out, is_optional=options.or_skip)
    if options.name == "bridge-packages":  # standard output is a measurement's
        return bridge_tests.fetch(project, os.environ, screen.standard(is_quiet_output=True))
    if options.name == "models":
        out = screen.standard(is_quiet_output=True)
        return fetching.fetch(project, os.environ, out, is_optional=options.or_skip)
    if options.name == "check-with-servers":
        return checks.check_with_servers(
            project, os.environ, screen.standard(is_quiet_output=False)
        )
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        parser.error("exec needs a command: exec -- COMMAND")
    # The command owns standard output: `make bench` prints JSON there.
    beside = screen.standard(is_quiet_output=True)
    return execute.execute(project, os.environ, beside, command, is_kept=options.keep)


def _clean(project: Path) -> int:
    """Remove `var/`, unless something in there runs."""
    folder = Folder(project=project, data=project / "var")
    if not folder.data.exists():
        return 0
    try:
        for lock_path in folder.data.glob("**/run/lock"):
            if not Lock(lock_path).take():
                raise UnableToStart(
                    "Something runs in this folder.", remedy="Stop it by Ctrl-C first."
                )
    except UnableToStart as error:
        screen.standard(is_quiet_output=True).trouble(error, folder)
        return 1
    shutil.rmtree(folder.data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
