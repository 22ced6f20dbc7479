"""Two walls between workspaces: each holds alone."""

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.models.deletion import Collector
from django.db.utils import DatabaseError, ProgrammingError

from billing.models import Subscription, UsageEvent
from connections.models import Connection, InboundEvent
from messaging.models import BotSettings
from tests.conftest import NOW
from workspaces import scope, walls
from workspaces.database.base import Scope
from workspaces.models import AuditEntry, Member, PassportPart, Workspace

pytestmark = pytest.mark.django_db
_OWN = ("backroom_app", "backroom_system")


def test_every_public_table_of_workspaces_has_a_policy() -> None:
    with scope.owner(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, c.relrowsecurity, count(p.polname) FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'"
            " LEFT JOIN pg_policy p ON p.polrelid = c.oid WHERE c.relkind = 'r' GROUP BY 1, 2"
        )
        found = {name: (enabled, count) for name, enabled, count in cursor.fetchall()}
        guarded = walls.guarded_tables()

    assert len(guarded) > 10
    further = [table for tables in settings.DATABASE_ROLES.values() for table in tables]
    assert all(found[table] == (True, 2 + further.count(table)) for table, _ in guarded)


def test_the_application_role_owns_nothing_and_bypasses_nothing() -> None:
    with scope.system(), connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        name = cursor.fetchone()[0]
        cursor.execute(
            "SELECT rolsuper, rolbypassrls, (SELECT count(*) FROM pg_class WHERE relowner = r.oid)"
            " FROM pg_roles r WHERE rolname = current_user"
        )
        rights = cursor.fetchone()

    if name == "backroom_system":
        assert rights == (False, False, 0)
    else:
        assert rights[:2] == (False, False)  # no roles here: the policies are forced instead


def test_a_forgotten_filter_shows_only_the_own_rows(acme: Workspace, rival: Workspace) -> None:
    with scope.workspace(acme):
        assert list(Workspace.objects.all()) == [acme]
        assert {m.workspace_id for m in Member.objects.all()} == {acme.pk}
        assert {s.workspace_id for s in Subscription.objects.all()} == {acme.pk}
        assert {a.workspace_id for a in AuditEntry.objects.all()} == {acme.pk}


def test_without_a_scope_nothing_shows(acme: Workspace, rival: Workspace) -> None:
    assert not Workspace.objects.exists()
    assert not Member.objects.exists()
    assert not Subscription.objects.exists()


def test_with_the_schema_wall_gone_the_row_wall_still_holds(
    acme: Workspace, rival: Workspace
) -> None:
    # The search_path of one workspace, the identity of another: what a schema mix-up would be.
    wrapper = connection
    previous = wrapper.enter(Scope("app", rival.schema_name, acme.pk))  # type: ignore[attr-defined]
    try:
        assert {m.workspace_id for m in Member.objects.all()} == {acme.pk}
        assert not Subscription.objects.filter(workspace_id=rival.pk).exists()
        assert not Workspace.objects.filter(pk=rival.pk).exists()
    finally:
        wrapper.enter(previous)  # type: ignore[attr-defined]


def test_a_row_for_another_workspace_cannot_be_written(acme: Workspace, rival: Workspace) -> None:
    with scope.workspace(acme), pytest.raises(DatabaseError), transaction.atomic():
        Connection.objects.create(
            workspace=rival,
            provider="cloud_api",
            phone="+1",
            external_id="x",
            state_changed_at=NOW,
            created_at=NOW,
        )


def test_a_row_of_another_workspace_cannot_be_changed(acme: Workspace, rival: Workspace) -> None:
    with scope.system():
        InboundEvent.objects.create(
            workspace=rival,
            provider="cloud_api",
            kind="message",
            key="k",
            received_at=NOW,
            due_at=NOW,
        )

    with scope.workspace(acme):
        changed = InboundEvent.objects.filter(key="k").update(state="done")
        deleted, _ = InboundEvent.objects.filter(key="k").delete()

    assert (changed, deleted) == (0, 0)


def test_content_of_one_schema_is_not_in_the_other(acme: Workspace, rival: Workspace) -> None:
    with scope.workspace(acme):
        BotSettings.objects.filter(pk=1).update(greeting="acme's greeting")
    with scope.workspace(rival):
        greetings = list(BotSettings.objects.values_list("greeting", flat=True))

    assert greetings and "acme's greeting" not in greetings


def test_a_workspace_model_outside_a_workspace_is_an_error() -> None:
    with pytest.raises(ProgrammingError), transaction.atomic():
        list(BotSettings.objects.all())


def test_a_lazy_queryset_that_leaves_its_scope_shows_nothing_of_it(acme: Workspace) -> None:
    with scope.workspace(acme):
        lazy = BotSettings.objects.all()

    with pytest.raises(ProgrammingError), transaction.atomic():
        list(lazy)


def test_a_rollback_keeps_the_scope(acme: Workspace, rival: Workspace) -> None:
    with scope.workspace(acme):
        try:
            with transaction.atomic(), scope.workspace(rival):
                assert list(Workspace.objects.all()) == [rival]
                raise RuntimeError
        except RuntimeError:
            pass

        assert list(Workspace.objects.all()) == [acme]
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_schema(), current_setting('backroom.workspace_id')")
            assert cursor.fetchone() == (acme.schema_name, str(acme.pk))


def test_the_ledger_and_the_audit_cannot_be_changed(acme: Workspace) -> None:
    with scope.workspace(acme):
        UsageEvent.objects.create(
            workspace=acme,
            meter_id="messages_sent",
            quantity=1,
            subject=1,
            occurred_at=NOW,
            day=NOW.date(),
            recorded_at=NOW,
        )
        for statement in (
            "UPDATE billing_usageevent SET quantity = 5",
            "DELETE FROM billing_usageevent",
            "TRUNCATE billing_usageevent",
            "UPDATE workspaces_auditentry SET action = 'nothing'",
            "DELETE FROM workspaces_auditentry",
        ):
            with (
                pytest.raises(DatabaseError),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute(statement)
    with scope.owner(), pytest.raises(DatabaseError), transaction.atomic():
        # Even the owner is stopped by the trigger.
        UsageEvent.objects.update(quantity=5)


def test_a_role_that_cannot_be_made_leaves_the_others_their_rights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    may_make = walls._make_role
    monkeypatch.setattr(walls, "_make_role", lambda role: role in _OWN and may_make(role))
    with scope.owner(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE public.of_tomorrow (id int)")

        assert walls.raise_walls()

        cursor.execute("SELECT has_table_privilege('backroom_app', 'public.of_tomorrow', 'SELECT')")
        assert cursor.fetchone() == (True,)
        transaction.set_rollback(True)


def test_a_role_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "DATABASE_ROLES", {"backroom_nobody": {}})
    with scope.owner():
        assert walls.missing_roles() == ["backroom_nobody"]


def test_nobody_listens_to_every_deletion() -> None:
    """Else no deletion would be one statement, and none could be bound to a condition."""
    assert Collector(using="default").can_fast_delete(PassportPart.objects.none())
    assert Collector(using="default").can_fast_delete(AuditEntry.objects.none())
