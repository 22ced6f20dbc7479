"""What a workspace's schema looks like: its migrations in order, and the SQL they come to.

Planned once in a process, replayed for each workspace: by sign-up (workspaces.schemas) and by
`migrate_workspaces` (workspaces.migrating).
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState

from workspaces import ddl, scope

Node = tuple[str, str]  # app, name
Applied = frozenset[Node]


class UnableToPlan(Exception):
    """The migrations cannot be brought onto these schemas; the message says why."""


@dataclass(frozen=True)
class Step:
    """One migration: its SQL, or itself where Django has to carry it out (RunPython)."""

    node: Node
    sql: str
    migration: Migration | None = None
    before: ProjectState | None = None

    @property
    def may_make_tables(self) -> bool:
        """Say whether there may be new tables or sequences after it."""
        words = ("CREATE TABLE", "CREATE SEQUENCE", "IDENTITY")
        return self.migration is not None or any(word in self.sql.upper() for word in words)


@lru_cache(maxsize=1)
def _loader() -> MigrationLoader:
    return MigrationLoader(None)


@lru_cache(maxsize=1)
def nodes() -> tuple[Node, ...]:
    """Return the workspace apps' migrations in the order in which they run."""
    graph = _loader().graph
    found: dict[Node, None] = {}
    for label in settings.TENANT_APPS:
        for leaf in graph.leaf_nodes(label):
            found.update(dict.fromkeys(graph.forwards_plan(leaf)))
    return tuple(node for node in found if node[0] in settings.TENANT_APPS)


def current_version() -> str:
    """Return the name of the newest schema that workspaces can have."""
    return version_of(frozenset(nodes()))


def version_of(applied: Applied) -> str:
    """Return the name of the schema that has these migrations."""
    newest: dict[str, str] = {}
    for label, name in sorted(applied):
        newest[label] = name[:4]
    return ",".join(f"{label}.{number}" for label, number in newest.items())


def is_newer(version: str) -> bool:
    """Say whether a schema is ahead of this code, as after a deploy that was taken back."""
    mine = _numbers(current_version())
    return any(number > mine.get(label, -1) for label, number in _numbers(version).items())


def names_since(version: str) -> list[str]:
    """Return the migrations that a schema of this version lacks, by what its row says."""
    has = _numbers(version)
    return [f"{label}.{name}" for label, name in nodes() if int(name[:4]) > has.get(label, -1)]


def _numbers(version: str) -> dict[str, int]:
    pairs = (part.partition(".") for part in version.split(",") if part)
    return {label: int(number) for label, _, number in pairs if number.isdigit()}


def forget() -> None:
    """Plan anew the next time (the migrations are others now)."""
    for cached in (_loader, nodes, steps_from, ledger_sql, _portrait):
        cached.cache_clear()


def template() -> str:
    """Return the SQL that makes a workspace's tables, as they are after all migrations.

    A migration that moves rows (RunPython) adds nothing: a new schema has none. What every
    workspace shall begin with is laid by WORKSPACE_FOUNDATIONS.
    """
    return _portrait().sql


def relations() -> tuple[tuple[str, str], ...]:
    """Return (name, kind) of each table ("r") and sequence ("S") of a schema that is up to date."""
    return _portrait().relations


@dataclass(frozen=True)
class _Portrait:
    sql: str
    relations: tuple[tuple[str, str], ...]


@lru_cache(maxsize=1)
def _portrait() -> _Portrait:
    """Make a schema by all migrations once, and look at what came out. Raises UnableToPlan."""
    whole = "\n".join([ledger_sql(), *(step.sql for step in steps_from(frozenset()))])
    with _draft(), connection.cursor() as cursor:
        cursor.execute(whole)
        cursor.execute(
            "SELECT relname, relkind FROM pg_class WHERE relkind IN ('r', 'S')"
            " AND relnamespace = current_schema()::regnamespace ORDER BY relname"
        )
        found = tuple((str(name), str(kind)) for name, kind in cursor.fetchall())
        cursor.execute(
            " UNION ALL ".join(
                f"(SELECT '{name}' FROM \"{name}\" LIMIT 1)"  # noqa: S608 - from the catalog
                for name, kind in found
                if kind == "r"
            )
        )
        if filled := [str(row[0]) for row in cursor.fetchall()]:
            raise UnableToPlan(
                f"A migration's SQL writes rows into {', '.join(filled)}, which no new workspace"
                " would get. Lay them by WORKSPACE_FOUNDATIONS."
            )
        return _Portrait(_joined(ddl.of_current_schema()), found)


@lru_cache(maxsize=1)
def ledger_sql() -> str:
    """Return the SQL that makes the table in which a schema's migrations are noted."""
    with _draft():
        return _record(lambda editor: editor.create_model(MigrationRecorder.Migration))


@lru_cache(maxsize=32)
def steps_from(applied: Applied) -> tuple[Step, ...]:
    """Return what a schema lacks that has the migrations `applied`, in order.

    Every statement is run while it is written down, in a draft of such a schema that is rolled
    back: Django asks the database for the names of what it drops, and would silently leave
    out what it cannot find. Raises UnableToPlan.
    """
    graph = _loader().graph
    _check(applied)
    steps: list[Step] = []
    with _draft():
        state = ProjectState(real_apps=_loader().unmigrated_apps)
        for node in nodes():
            migration = graph.nodes[node]
            before = state.clone()
            sql = _record(lambda editor: _apply(migration, state, editor))  # noqa: B023 - at once
            if node in applied:
                continue
            if all(_is_sql(operation) for operation in migration.operations):
                steps.append(Step(node, sql))
            else:
                before.apps  # noqa: B018 - rendered here once, cloned for each schema
                steps.append(Step(node, sql, migration, before))
    return tuple(steps)


def obstacles() -> list[str]:
    """Return a sentence for each migration that no schema's transaction can hold."""
    found = []
    for node in nodes():
        migration = _loader().graph.nodes[node]
        name = ".".join(node)
        if not migration.atomic:
            found.append(f"{name} says atomic = False; a schema is migrated in one transaction.")
        if any(_hides_python(operation) for operation in migration.operations):
            found.append(f"{name} hides RunPython in another operation; let it stand by itself.")
    return found


def _check(applied: Applied) -> None:
    known = set(nodes())
    if unknown := sorted(".".join(node) for node in applied - known):
        raise UnableToPlan(f"This code does not know {', '.join(unknown)}.")
    for node in applied:
        before = {n for n in _loader().graph.forwards_plan(node) if n in known}
        if gap := sorted(".".join(n) for n in before - applied):
            raise UnableToPlan(f"{'.'.join(node)} is there, but {', '.join(gap)} before it is not.")
    if sentences := obstacles():
        raise UnableToPlan(" ".join(sentences))


def _is_sql(operation: Operation) -> bool:
    return bool(operation.reduces_to_sql)


def _hides_python(operation: Operation) -> bool:
    inner = getattr(operation, "database_operations", ())
    return any(not _is_sql(each) or _hides_python(each) for each in inner)


class _Recorder(DatabaseSchemaEditor):
    """Runs every statement, and writes it down."""

    def __init__(self) -> None:
        super().__init__(connection, collect_sql=False, atomic=False)
        self.statements: list[str] = []

    def execute(self, sql: Any, params: Any = ()) -> None:
        text = str(sql)
        if params is not None:
            text = self.connection.ops.compose_sql(text, params)
        self.statements.append(text.rstrip().rstrip(";"))
        super().execute(text, None)


def _record(work: Any) -> str:
    """Return the SQL that `work(editor)` ran, as one text."""
    with _Recorder() as editor:
        work(editor)
    return _joined(editor.statements)


def _joined(statements: list[str]) -> str:
    return "".join(f"{statement}\n;\n" for statement in statements)


def _apply(migration: Migration, state: ProjectState, editor: DatabaseSchemaEditor) -> None:
    for operation in migration.operations:
        before = state.clone()
        operation.state_forwards(migration.app_label, state)
        if _is_sql(operation):
            operation.database_forwards(migration.app_label, editor, before, state)


class _TakeBack(Exception):
    pass


@contextmanager
def _draft() -> Iterator[None]:
    """Work in a schema that never becomes visible to anybody."""
    name = f"w_draft_{secrets.token_hex(6)}"
    with scope.owner(name), suppress(_TakeBack), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE SCHEMA "{name}"')
            # The path was set before the schema was there, so PostgreSQL resolves it anew.
            cursor.execute(f'SET LOCAL search_path = "{name}"')
        yield
        raise _TakeBack
