"""The database connection that knows its scope: role, search_path and workspace in one statement.

Two walls stand between workspaces. The schema wall: content lives in one schema per
workspace and `search_path` names one. The row wall: public tables carry row-level security,
the pages and workers run as a role that does not own them, and the policy compares
`workspace_id` with `backroom.workspace_id`. This wrapper sets all three together, and again
after every rollback, because PostgreSQL takes a SET back with its transaction.
"""

import random
import time
from dataclasses import dataclass

import psycopg
from django.conf import settings
from django.db.backends.base.base import NO_DB_ALIAS
from django_tenants.postgresql_backend.base import DatabaseWrapper as TenantWrapper
from django_tenants.utils import quote_schema_name
from psycopg.pq import TransactionStatus

APP_ROLE = "backroom_app"
SYSTEM_ROLE = "backroom_system"
# Whether the session's user may take a role of pg_roles on; the question changed with 16.
MAY_TAKE = (
    "pg_has_role(session_user, oid, CASE WHEN current_setting('server_version_num')::int >= 160000"
    " THEN 'SET' ELSE 'MEMBER' END)"
)


@dataclass(frozen=True)
class Scope:
    """Who speaks to the database: `app` (one workspace), `system` (all) or `owner` (migrations)."""

    kind: str = "app"
    schema: str = "public"
    workspace_id: int | None = None
    # Statements on public tables are planned once for all workspaces, and go by key.
    keeps_plans: bool = False


_NOWHERE = Scope()
_WELL_SECONDS = 5.0

# A plan that is kept was made when the table may have been empty: it must not read a table, or
# an index, from end to end, however cheap that was.
_BY_KEY = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
_NAMES = (
    "role",
    "search_path",
    "backroom.scope",
    "backroom.workspace_id",
    "idle_in_transaction_session_timeout",
)
_SET = "SELECT " + ", ".join(f"set_config('{name}', %s, false)" for name in _NAMES)
_SET_BY_KEY = f"{_SET}, " + ", ".join(
    f"set_config('{name}', '{value}', false)" for name, value in _BY_KEY.items()
)
_GOES_BY_KEY = "current_setting('plan_cache_mode') = 'force_generic_plan'"
# Gives back what the server held, if this session goes by key: only the server knows that for
# sure after a rollback. Else it touches nothing: a drain has switched a setting of its own
# transaction off, which a SET would undo.
_SET_FREE = (
    f"WITH held AS MATERIALIZED (SELECT {_GOES_BY_KEY} AS so) {_SET}, "  # noqa: S608
    + ", ".join(f"CASE WHEN held.so THEN set_config('{name}', NULL, false) END" for name in _BY_KEY)
    + " FROM held"
)


class DatabaseWrapper(TenantWrapper):
    """PostgreSQL with a Scope. See the module's text."""

    def __init__(self, *args, **kwargs) -> None:  # type: ignore[no-untyped-def]
        self.scope_kind = "app"
        self.scope_workspace_id: int | None = None
        self.scope_keeps_plans = False
        self._has_roles: bool | None = None
        self.schema_name: str = "public"
        self._setting_search_path: bool = False
        self._schemas: set[str] = set()  # that this backend has touched, and caches
        self.health_check_done: bool = False
        self._well_at = 0.0  # when this session was last seen to work
        # Whether this session may go by key; it does not when this is False.
        self._may_go_by_key = True
        super().__init__(*args, **kwargs)
        if self.alias == NO_DB_ALIAS:
            self.scope_kind = "owner"

    def enter(self, scope: Scope) -> Scope:
        """Make `scope` hold for the queries that follow; return the one that held before."""
        previous = Scope(
            self.scope_kind, self.schema_name, self.scope_workspace_id, self.scope_keeps_plans
        )
        if scope != previous:
            if previous == _NOWHERE:
                self._make_room(scope.schema)
            self.scope_kind = scope.kind
            self.scope_workspace_id = scope.workspace_id
            self.scope_keeps_plans = scope.keeps_plans
            self.schema_name = scope.schema
            self.set_settings_schema(scope.schema)
            self.search_path_set_schemas = None
        return previous

    def connect(self) -> None:
        self._may_go_by_key = True  # a pooler may hand on what somebody else has used
        super().connect()
        if self.close_at is not None:
            # Those that began together are not to end together.
            self.close_at -= random.uniform(0, 0.2) * self.settings_dict["CONN_MAX_AGE"]  # noqa: S311

    def close(self) -> None:
        self._has_roles = None
        self._well_at = 0.0
        self._schemas.clear()
        super().close()

    def close_if_health_check_failed(self) -> None:
        # A worker asks many times a second: a line that was well a moment ago is taken to be well.
        if not self.health_check_done and time.monotonic() - self._well_at < _WELL_SECONDS:
            self.health_check_done = True
        elif self.health_check_enabled and not self.health_check_done:
            super().close_if_health_check_failed()
            self._well_at = time.monotonic()

    def close_if_unusable_or_obsolete(self) -> None:
        super().close_if_unusable_or_obsolete()
        if len(self._schemas) >= settings.DATABASE_MAX_SCHEMAS and self._is_free():
            self.close()

    def _make_room(self, schema: str) -> None:
        """Begin with a fresh backend when this one has touched many schemas.

        A backend never forgets what it knows of a table: a thousand workspaces are hundreds of
        megabytes. Only on the way in from no scope at all: whoever holds a cursor, or a claim
        that names its backend (connections.outbox), does so within a scope.
        """
        if (
            schema not in self._schemas
            and len(self._schemas) >= settings.DATABASE_MAX_SCHEMAS
            and self._is_free()
        ):
            self.close()

    def _is_free(self) -> bool:
        """Say whether nothing hangs on this session: no transaction, no lock."""
        if self.connection is None or self.in_atomic_block or not self.get_autocommit():
            return False
        try:
            if self.connection.info.transaction_status != TransactionStatus.IDLE:
                return False
            held = self.connection.execute(
                "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())"
            ).fetchone()
        except psycopg.Error:
            return False  # it is broken, and will be found so
        return not held[0]

    def _role(self, cursor) -> str:  # type: ignore[no-untyped-def]
        if not self._has_roles:  # only a yes is remembered: migrate may be making them right now
            # A house whose database user may not make roles runs with forced policies instead.
            cursor.execute(
                f"SELECT count(*) FROM pg_roles WHERE rolname IN (%s, %s) AND {MAY_TAKE}",  # noqa: S608
                [APP_ROLE, SYSTEM_ROLE],
            )
            self._has_roles = cursor.fetchone()[0] == 2
        if not self._has_roles or self.scope_kind == "owner":
            return "none"
        return SYSTEM_ROLE if self.scope_kind == "system" else APP_ROLE

    def _idle_timeout(self) -> str:
        """Return how long a transaction may idle: a host cut off must not hold its locks.

        Migrations think between statements, and are the owner's.
        """
        seconds = 0 if self.scope_kind == "owner" else settings.DATABASE_IDLE_TRANSACTION_SECONDS
        return f"{round(seconds * 1000)}ms"

    def _statement(self) -> str:
        if self.scope_keeps_plans:
            self._may_go_by_key = True  # whatever comes of it
            return _SET_BY_KEY
        return _SET_FREE if self._may_go_by_key else _SET

    def _note_plans(self) -> None:
        """Note that the session no longer goes by key, once no rollback can bring that back."""
        is_kept = self.connection.info.transaction_status == TransactionStatus.IDLE
        if is_kept and not self.scope_keeps_plans:
            self._may_go_by_key = False

    def _handle_search_path(self, cursor=None) -> None:  # type: ignore[no-untyped-def]
        if self._setting_search_path or self.search_path_set_schemas:
            return
        if self.connection.info.transaction_status == TransactionStatus.INERROR:
            return  # whatever follows fails too, until the rollback; then it is set anew
        paths = self._get_cursor_search_paths()
        self._setting_search_path = True
        own = self.connection.cursor() if cursor is None else None
        used = own or cursor
        try:
            # An error here must not pass: the queries would run in the scope that held before.
            used.execute(
                self._statement(),
                [
                    self._role(used),
                    ",".join(quote_schema_name(path) for path in paths),
                    self.scope_kind,
                    "" if self.scope_workspace_id is None else str(self.scope_workspace_id),
                    self._idle_timeout(),
                ],
            )
            self._note_plans()
            self.search_path_set_schemas = paths
            if self.schema_name != "public":
                self._schemas.add(self.schema_name)
        finally:
            self._setting_search_path = False
            if own is not None:
                own.close()
