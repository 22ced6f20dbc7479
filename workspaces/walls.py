"""The second wall: roles, row-level security and append-only tables, raised after migrations.

Every public table with a `workspace_id` gets the wall without being asked, so a new table
cannot be forgotten. Idempotent; run by `manage.py migrate` as the tables' owner.
"""

from collections.abc import Mapping, Sequence

from django.conf import settings
from django.db import connection
from django.db.utils import ProgrammingError

from workspaces.database.base import APP_ROLE, MAY_TAKE, SYSTEM_ROLE

# Their rows are never changed and never deleted, but by the erasure of a whole workspace.
APPEND_ONLY = ("billing_usageevent", "workspaces_auditentry")

_OWN_ROWS = "{column} = NULLIF(current_setting('backroom.workspace_id', true), '')::bigint"
_ALL_ROWS = "current_setting('backroom.scope', true) IN ('system', 'owner')"

_REFUSE_CHANGE = """
CREATE OR REPLACE FUNCTION public.backroom_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('backroom.erasing', true) = COALESCE(OLD.workspace_id::text, '') THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$
"""


def raise_walls() -> bool:
    """Make roles, grants, policies and triggers match the tables. Return False without roles.

    Call as the owner of the tables. Where the database user may not make roles, the policies
    are forced on the owner itself and tell the house's own jobs by `backroom.scope`.
    """
    has_roles = all(_make_role(role) for role in (APP_ROLE, SYSTEM_ROLE))
    with connection.cursor() as cursor:
        if has_roles:
            for role in (APP_ROLE, SYSTEM_ROLE):
                cursor.execute(
                    f"GRANT USAGE ON SCHEMA public TO {role};"
                    f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};"
                    f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};"
                )
        for table, column in guarded_tables():
            _guard(cursor, table, column, has_roles)
        cursor.execute(_REFUSE_CHANGE)
        for table in APPEND_ONLY:
            cursor.execute(
                f"DROP TRIGGER IF EXISTS append_only ON public.{table};"
                f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON public.{table}"
                " FOR EACH ROW EXECUTE FUNCTION public.backroom_refuse_change()"
            )
            if has_roles:
                cursor.execute(
                    f"REVOKE UPDATE, DELETE, TRUNCATE ON public.{table} FROM {APP_ROLE}, {SYSTEM_ROLE}"
                )
        if has_roles:
            for table in settings.DATABASE_HIDDEN_TABLES:
                if has_table(table):  # a migration may have been taken back
                    cursor.execute(f"REVOKE ALL ON public.{table} FROM {APP_ROLE}")
            for role, tables in settings.DATABASE_ROLES.items():
                if _make_role(role):
                    _grant(cursor, role, tables)
    return has_roles


def _grant(cursor, role: str, tables: Mapping[str, str]) -> None:  # type: ignore[no-untyped-def]
    """Let a role of DATABASE_ROLES do what is said there, for all workspaces, and nothing else."""
    cursor.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
    guarded = {name for name, _ in guarded_tables()}
    for table, rights in tables.items():
        cursor.execute(f"GRANT {rights} ON public.{table} TO {role}")
        if table in guarded:
            cursor.execute(
                f"DROP POLICY IF EXISTS {role}_rows ON public.{table};"
                f"CREATE POLICY {role}_rows ON public.{table} TO {role} USING (true) WITH CHECK (true)"
            )


def grant_schema(schema: str, relations: Sequence[tuple[str, str]] = ()) -> None:
    """Let the application's role work in a workspace's schema (its owner calls this).

    `relations` are the (name, kind) of its tables ("r") and sequences ("S"). Without them all
    are meant, and PostgreSQL looks for them in the list of everybody's: not once per workspace.
    """
    tables, sequences = f'ALL TABLES IN SCHEMA "{schema}"', f'ALL SEQUENCES IN SCHEMA "{schema}"'
    if relations:
        tables = ", ".join(f'"{schema}"."{name}"' for name, kind in relations if kind == "r")
        sequences = ", ".join(f'"{schema}"."{name}"' for name, kind in relations if kind == "S")
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APP_ROLE])
        if cursor.fetchone() is not None:
            cursor.execute(
                f'GRANT USAGE ON SCHEMA "{schema}" TO {APP_ROLE};'
                f"GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO {APP_ROLE};"
                + (f"GRANT USAGE, SELECT ON {sequences} TO {APP_ROLE};" if sequences else "")
            )


def has_table(name: str) -> bool:
    """Say whether there is such a public table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [f"public.{name}"])
        return bool(cursor.fetchone()[0])


def closed_schemas() -> list[str]:
    """Return the workspaces' schemas that the application's role cannot enter yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname FROM pg_namespace n"
            " JOIN public.workspaces_workspace w ON w.schema_name = n.nspname"
            " JOIN pg_roles r ON r.rolname = %s"
            " WHERE NOT has_schema_privilege(r.oid, n.oid, 'USAGE')",
            [APP_ROLE],
        )
        return [str(name) for (name,) in cursor.fetchall()]


def guarded_tables() -> list[tuple[str, str]]:
    """Return (table, column) for every public table that belongs to workspaces."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, a.attname FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'workspace_id'"
            " WHERE c.relkind IN ('r', 'p') ORDER BY 1"
        )
        found = [(str(table), str(column)) for table, column in cursor.fetchall()]
    return [*found, ("workspaces_workspace", "id")]


def missing_roles() -> list[str]:
    """Return the roles of DATABASE_ROLES that are not there, or that this user may not take on."""
    with connection.cursor() as cursor:
        return [role for role in settings.DATABASE_ROLES if not _may_take(cursor, role)]


def _make_role(role: str) -> bool:
    """Make a role and the right to take it on. False where this user may not.

    One that is there already (made by a database administrator, or by another database of the
    same server) is used as it is.
    """
    with connection.cursor() as cursor:
        try:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
            if cursor.fetchone() is None:
                cursor.execute(f"CREATE ROLE {role} NOLOGIN")
            if not _may_take(cursor, role):
                cursor.execute("SELECT current_setting('server_version_num')::int >= 160000")
                # Since 16 the maker of a role may grant it, but not yet take it on.
                options = " WITH SET TRUE, INHERIT FALSE" if cursor.fetchone()[0] else ""
                cursor.execute(f"GRANT {role} TO session_user{options}")
            return _may_take(cursor, role)
        except ProgrammingError:
            return False


def _may_take(cursor, role: str) -> bool:  # type: ignore[no-untyped-def]
    cursor.execute(f"SELECT {MAY_TAKE} FROM pg_roles WHERE rolname = %s", [role])  # noqa: S608
    row = cursor.fetchone()
    return bool(row and row[0])


def _guard(cursor, table: str, column: str, has_roles: bool) -> None:  # type: ignore[no-untyped-def]
    own = _OWN_ROWS.format(column=column)
    cursor.execute(
        f"ALTER TABLE public.{table} ENABLE ROW LEVEL SECURITY;"
        f"DROP POLICY IF EXISTS own_rows ON public.{table};"
        f"DROP POLICY IF EXISTS all_rows ON public.{table};"
    )
    if has_roles:
        cursor.execute(
            f"ALTER TABLE public.{table} NO FORCE ROW LEVEL SECURITY;"
            f"CREATE POLICY own_rows ON public.{table} TO {APP_ROLE} USING ({own}) WITH CHECK ({own});"
            f"CREATE POLICY all_rows ON public.{table} TO {SYSTEM_ROLE} USING (true) WITH CHECK (true);"
        )
    else:
        cursor.execute(
            f"ALTER TABLE public.{table} FORCE ROW LEVEL SECURITY;"
            f"CREATE POLICY own_rows ON public.{table} USING ({own}) WITH CHECK ({own});"
            f"CREATE POLICY all_rows ON public.{table} USING ({_ALL_ROWS}) WITH CHECK ({_ALL_ROWS});"
        )
