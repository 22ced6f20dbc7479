"""What every command shares: find the workspace, say what went wrong, exit codes, JSON.

Exit codes: 0 done, 1 could not be done (said on standard error), 2 asked for wrongly.
"""

import json
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from workspaces import registry
from workspaces.models import Workspace


class Failed(CommandError):
    """The thing could not be done."""

    def __init__(self, message: str) -> None:
        super().__init__(message, returncode=1)


class AskedWrongly(CommandError):
    """The command's words are off."""

    def __init__(self, message: str) -> None:
        super().__init__(message, returncode=2)


# Django prints the class's name before the message.
Failed.__name__ = AskedWrongly.__name__ = "Error"


class OperatorCommand(BaseCommand):
    """A command for operators: checks nothing twice, prints words or JSON."""

    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own name and form

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        for name in ("--settings", "--pythonpath", "--traceback", "--no-color", "--force-color"):
            _hide(parser, name)
        return parser

    def print_json(self, value: object) -> None:
        """Print `value` as indented JSON."""
        self.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def _hide(parser: ArgumentParser, name: str) -> None:
    for action in parser._actions:
        if name in action.option_strings:
            action.help = SUPPRESS


def workspace_argument(parser: ArgumentParser) -> None:
    """Add `--workspace S`."""
    parser.add_argument(
        "--workspace", required=True, metavar="SLUG", help="the workspace's address"
    )


def find_workspace(slug: str) -> Workspace:
    """Return the workspace, or end the command with exit code 2."""
    space = registry.by_slug(slug)
    if space is None:
        raise AskedWrongly(f"There is no workspace “{slug}”.")
    return space


Handler = Callable[..., None]


def anticipates(*errors: type[Exception]) -> Callable[[Handler], Handler]:
    """Turn a domain's own errors into one line and exit code 1."""

    def decorate(handle: Handler) -> Handler:
        @wraps(handle)
        def guarded(*args: Any, **kwargs: Any) -> None:
            try:
                handle(*args, **kwargs)
            except errors as error:
                raise Failed(str(error)) from error

        return guarded

    return decorate
