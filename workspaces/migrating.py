"""Bring the schemas of all workspaces up to date: whole or not at all each, while messages flow.

A schema is migrated in one transaction with its rows in django_migrations and its
`schema_version`, so whatever ends the work leaves no half schema, and the next run goes on.
"""

import logging
import queue
import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Literal, cast

from django.conf import settings
from django.db import DatabaseError, OperationalError, connection, transaction

from workspaces import blueprint, scope, walls
from workspaces.blueprint import Applied, Step
from workspaces.database.base import DatabaseWrapper
from workspaces.models import Workspace

_log = logging.getLogger(__name__)

# Whoever waits for a table makes all that come after it wait too. So: briefly, and below
# PostgreSQL's deadlock_timeout (1 s), so that a drain in the way never loses its batch to us.
LOCK_TIMEOUT_MS = 300
STATEMENT_TIMEOUT_MS = 600_000
# A schema whose tables were in use is tried again at the end, after these pauses.
PAUSES_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0)
# When this many failed and none succeeded, the migration is wrong, not the schemas.
MOST_FAILURES = 5

State = Literal["migrated", "current", "newer", "locked", "failed", "gone"]


@dataclass(frozen=True)
class Outcome:
    """What became of one schema. `steps` are the migrations it got."""

    slug: str
    schema: str
    state: State
    ms: float = 0.0
    steps: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Report:
    """What a run did. `left` is how many schemas are still behind."""

    counts: dict[str, int]
    left: int
    seconds: float
    is_stopped: bool

    @property
    def is_done(self) -> bool:
        return not self.left


Tell = Callable[[Outcome], None]


def find_behind() -> list[Workspace]:
    """Return the workspaces whose schema is not the code's: one query on the public rows."""
    with scope.owner():
        rows = Workspace.objects.exclude(schema_version=blueprint.current_version())
        return list(rows.only("pk", "slug", "schema_name", "schema_version").order_by("pk"))


def run(
    *,
    jobs: int = 1,
    only: Workspace | None = None,
    limit: int | None = None,
    tell: Tell = lambda outcome: None,
    stop: threading.Event | None = None,
    pauses_seconds: Sequence[float] = PAUSES_SECONDS,
) -> Report:
    """Migrate every workspace that is behind, `jobs` schemas at a time; `tell` of each one.

    With `only`, that workspace's schema is looked at whatever its row says. Stops between
    schemas when `stop` is set. Schemas that were in use are tried again after each pause.
    """
    stop = stop or threading.Event()
    began = time.monotonic()
    counts: dict[str, int] = {}
    settled: dict[int, Outcome] = {}
    for pause in (0.0, *pauses_seconds):
        # Asked anew each time: another run, or a sign-up by older code, may have been here.
        spaces = [only] if only else find_behind()
        waiting = [space for space in spaces if space.pk not in settled]
        if limit is not None:
            waiting = waiting[: max(0, limit - len(settled))]
        if not waiting or stop.wait(pause * random.uniform(0.8, 1.2)):  # noqa: S311
            break
        for space, outcome in _round(waiting, jobs, tell, stop):
            if outcome.state != "locked":
                settled[space.pk] = outcome
                counts[outcome.state] = counts.get(outcome.state, 0) + 1
        if _is_hopeless(counts):
            break
    if only is None:
        left = len(find_behind()) - counts.get("newer", 0)
    else:
        left = int(not settled or settled[only.pk].state == "failed")
    return Report(counts, left, time.monotonic() - began, stop.is_set())


def _is_hopeless(counts: dict[str, int]) -> bool:
    return counts.get("failed", 0) >= MOST_FAILURES and not counts.get("migrated")


def _round(
    spaces: Sequence[Workspace], jobs: int, tell: Tell, stop: threading.Event
) -> list[tuple[Workspace, Outcome]]:
    """Migrate each of `spaces` once."""
    line: queue.SimpleQueue[Workspace] = queue.SimpleQueue()
    for space in spaces:
        line.put(space)
    found: list[tuple[Workspace, Outcome]] = []
    counts: dict[str, int] = {}
    lock = threading.Lock()

    def work() -> None:
        while not stop.is_set() and not _is_hopeless(counts):
            try:
                space = line.get_nowait()
            except queue.Empty:
                return
            outcome = migrate(space)
            with lock:
                found.append((space, outcome))
                counts[outcome.state] = counts.get(outcome.state, 0) + 1
                tell(outcome)

    def work_apart() -> None:
        with closing(connection):  # a thread's own
            work()

    if jobs <= 1:
        work()
        return found
    threads = [threading.Thread(target=work_apart) for _ in range(min(jobs, len(spaces)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def migrate(space: Workspace) -> Outcome:
    """Bring one workspace's schema up to date, or leave it as it is and say why."""
    began = time.perf_counter()

    def became(state: State, steps: Iterable[str] = (), reason: str = "") -> Outcome:
        ms = (time.perf_counter() - began) * 1000
        return Outcome(space.slug, space.schema_name, state, round(ms, 1), tuple(steps), reason)

    try:
        with scope.owner(space.schema_name):
            try:
                return became(*_migrate(space))
            finally:
                # Django itself may have changed the path behind the wrapper's back.
                cast(DatabaseWrapper, connection).search_path_set_schemas = None
    except blueprint.UnableToPlan as error:
        return became("failed", reason=str(error))
    except OperationalError as error:
        # In use (lock_timeout, deadlock), or the server went away: both pass.
        took_too_long = getattr(error.__cause__, "sqlstate", "") == "57014"
        return became("failed" if took_too_long else "locked", reason=_say(error))
    except DatabaseError as error:
        return became("failed", reason=_say(error))
    except Exception as error:  # a migration's own Python; the others are not to suffer
        _log.exception("workspaces.migrate.failed")
        return became("failed", reason=type(error).__name__)


def _say(error: DatabaseError) -> str:
    """Return PostgreSQL's one line, without the rows that its details may quote."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return str(getattr(diagnosis, "message_primary", None) or type(error).__name__)


def _migrate(space: Workspace) -> tuple[State, tuple[str, ...], str]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true),"
            " set_config('search_path', %s, true)",
            [f"{LOCK_TIMEOUT_MS}ms", f"{STATEMENT_TIMEOUT_MS}ms", f'"{space.schema_name}"'],
        )
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended('migrate-schema', id)), schema_version,"
            " to_regnamespace(quote_ident(schema_name)) IS NOT NULL,"
            " to_regclass('django_migrations') IS NOT NULL"
            " FROM public.workspaces_workspace WHERE id = %s",
            [space.pk],
        )
        row = cursor.fetchone()
        if row is None:
            return "gone", (), "removed meanwhile"
        is_mine, version, is_there, has_tables = row
        if not is_mine:
            return "locked", (), "another run is at it"
        if blueprint.is_newer(version):
            return "newer", (), f"{version} is newer than this code; left alone"
        if not is_there:
            return "failed", (), "it has no schema"
        if not has_tables:
            cursor.execute(blueprint.ledger_sql())
        # After the lock: what another run committed just now is seen here.
        applied = _applied(cursor)
        if unknown := applied - set(blueprint.nodes()):
            names = ", ".join(sorted(".".join(node) for node in unknown))
            return "newer", (), f"this code does not know {names}; left alone"
        steps = blueprint.steps_from(applied)
        has_new_tables = not has_tables or any(step.may_make_tables for step in steps)
        relations = blueprint.relations() if has_new_tables else ()
        # Planning, the first time, went to another schema and back.
        cursor.execute("SELECT set_config('search_path', %s, true)", [f'"{space.schema_name}"'])
        _carry_out(cursor, steps)
        cursor.execute(
            "UPDATE public.workspaces_workspace SET schema_version = %s WHERE id = %s",
            [blueprint.current_version(), space.pk],
        )
        if has_new_tables:
            walls.grant_schema(space.schema_name, relations)
    return ("migrated" if steps else "current"), tuple(".".join(s.node) for s in steps), ""


def _applied(cursor) -> Applied:  # type: ignore[no-untyped-def]
    cursor.execute(
        "SELECT app, name FROM django_migrations WHERE app = ANY(%s)", [settings.TENANT_APPS]
    )
    return frozenset((app, name) for app, name in cursor.fetchall())


def _carry_out(cursor, steps: Sequence[Step]) -> None:  # type: ignore[no-untyped-def]
    recorded: list[str] = []
    for step in steps:
        if step.migration is None or step.before is None:
            recorded.append(step.sql)
        else:
            _execute(cursor, recorded)
            recorded = []
            with connection.schema_editor(atomic=False) as editor:
                step.migration.apply(step.before.clone(), editor)
        app, name = (_quoted(word) for word in step.node)
        recorded.append(
            f"INSERT INTO django_migrations (app, name, applied) VALUES ({app}, {name}, now());\n"  # noqa: S608
        )
    _execute(cursor, recorded)


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "''") + "'"


# Rows that a migration changed have checks waiting for the commit, and a table with such
# cannot be altered; Django's own executor commits in between.
_SETTLE = "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED;\n"


def _execute(cursor, texts: Sequence[str]) -> None:  # type: ignore[no-untyped-def]
    if texts:
        cursor.execute("".join(f"{text}{_SETTLE}" for text in texts))


@dataclass(frozen=True)
class Difference:
    """A schema that is not what its workspace's row says."""

    slug: str
    schema: str
    says: str
    has: str


def verify(*, at_once: int = 500) -> list[Difference]:
    """Compare the migrations of every schema with what the rows say.

    One query for `at_once` schemas: each takes two locks in PostgreSQL's shared table.
    """
    found: list[Difference] = []
    with scope.owner():
        rows = Workspace.objects.only("pk", "slug", "schema_name", "schema_version").order_by("pk")
        spaces = list(rows)
        for start in range(0, len(spaces), at_once):
            found += _verify(spaces[start : start + at_once])
    return found


def _verify(spaces: Sequence[Workspace]) -> list[Difference]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid"
            " WHERE c.relname = 'django_migrations' AND n.nspname = ANY(%s)",
            [[space.schema_name for space in spaces]],
        )
        there = {name for (name,) in cursor.fetchall()}
        has: dict[str, Applied] = {}
        if there:
            cursor.execute(
                " UNION ALL ".join(
                    f"SELECT '{name}' AS s, app, name FROM {connection.ops.quote_name(name)}.django_migrations"  # noqa: S608
                    for name in sorted(there)
                )
            )
            for schema, app, name in cursor.fetchall():
                if app in settings.TENANT_APPS:
                    has[schema] = has.get(schema, frozenset()) | {(app, name)}
    current, version = frozenset(blueprint.nodes()), blueprint.current_version()
    found = []
    for space in spaces:
        mine = has.get(space.schema_name, frozenset())
        # A row that says "current" answers for every migration, not for the last ones only.
        is_so = mine == current if space.schema_version == version else (
            blueprint.version_of(mine) == space.schema_version)  # fmt: skip
        if not is_so:
            said = "no tables" if space.schema_name not in there else blueprint.version_of(mine)
            found.append(Difference(space.slug, space.schema_name, space.schema_version, said))
    return found
