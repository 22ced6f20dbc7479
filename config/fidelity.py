"""Hold a schema made by sign-up's replay against one that the library migrated, statement by step.

`manage.py check_schemas` (part of `make check`): clones drift silently, dumps do not.
"""

import difflib
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.core.management import call_command
from django.db import connection, transaction

from config.local import postgres
from config.local.folders import UnableToStart
from workspaces import schemas, scope, walls


class UnableToCompare(Exception):
    """The schemas cannot be compared here; the message says what is missing."""


def differences() -> list[str]:
    """Return the lines in which the dumps of the two schemas differ; none when all is well."""
    with _passing("replayed") as replayed, _passing("migrated") as migrated:
        with transaction.atomic():
            schemas.make_tables(replayed)
        with scope.owner(), connection.cursor() as cursor:
            cursor.execute(f'CREATE SCHEMA "{migrated}"')
        with scope.owner():  # entered anew: the library closes the connection
            call_command(
                "migrate_schemas", schema_name=migrated, tenant=True, verbosity=0, interactive=False
            )
        with scope.owner():
            walls.grant_schema(migrated)
        one, other = dump(replayed), dump(migrated)
    if len(one) < 50:
        raise UnableToCompare("The dump of the replayed schema is empty.")
    return list(difflib.unified_diff(other, one, "migrated", "replayed", lineterm="", n=0))


@contextmanager
def _passing(word: str) -> Iterator[str]:
    name = f"w_check_{word}_{secrets.token_hex(4)}"
    try:
        yield name
    finally:
        with scope.owner(), connection.cursor() as cursor:
            cursor.execute(f'DROP SCHEMA IF EXISTS "{name}" CASCADE')


def dump(schema: str) -> list[str]:
    """Return the schema's dump, without its name and without what two dumps differ in anyhow."""
    settings = connection.settings_dict
    environment = {
        "PGPASSWORD": str(settings["PASSWORD"]),
        "PGHOST": str(settings["HOST"]),
        "PGPORT": str(settings["PORT"] or 5432),
        "PGUSER": str(settings["USER"]),
        "PGDATABASE": str(settings["NAME"]),
    }
    done = subprocess.run(
        [_pg_dump(), "--schema-only", "--schema", schema],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise UnableToCompare(f"pg_dump says: {done.stderr.strip()[:300]}")
    text = done.stdout.replace(schema, "SCHEMA")
    # \restrict carries a random word; comments and blank lines say nothing of the tables.
    return [line for line in text.splitlines() if line and not re.match(r"--|\\", line)]


def _pg_dump() -> str:
    """Return the path of a pg_dump that is no older than the server."""
    with scope.owner(), connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        wanted = int(cursor.fetchone()[0]) // 10_000
    for path in _candidates():
        said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
        found = re.search(r"\) (\d+)", said.stdout)
        if found and int(found[1]) >= wanted:
            return path
    raise UnableToCompare(f"There is no pg_dump of version {wanted} or newer on this machine.")


def _candidates() -> Iterator[str]:
    with suppress(UnableToStart):  # a server's machine has no wheel of PostgreSQL, but maybe one
        yield str(postgres.binaries() / "pg_dump")
    if found := shutil.which("pg_dump"):
        yield found
