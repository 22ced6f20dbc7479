"""Members and their roles, notices to owners, suspending, finding a workspace by its address."""

from typing import Any

import pytest
from django.core import mail

from connections.models import OutboundJob
from lib import clock
from messaging import drain
from tests import whatsapp
from tests.messaging.conftest import Way
from workspaces import members, notices, registry, scope, states
from workspaces.models import AuditEntry, Member, Notice, User, Workspace

pytestmark = pytest.mark.django_db


def add(space: Workspace, email: str, role: str) -> Member:
    with scope.workspace(space):
        return members.add(workspace=space, email=email, role=role, actor=None, now=clock.now())


# --- Members -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("viewer", {"viewer"}),
        ("agent", {"viewer", "agent"}),
        ("manager", {"viewer", "agent", "manager"}),
        ("owner", {"viewer", "agent", "manager", "owner"}),
    ],
)
def test_each_role_may_what_the_roles_before_it_may(
    acme: Workspace, role: str, may: set[str]
) -> None:
    member = add(acme, "dayo@acme.example", role)

    assert {asked for asked in Member.Role.values if members.may(member, asked)} == may


def test_a_person_is_a_member_once_whatever_the_letters_case(acme: Workspace) -> None:
    first = add(acme, "Dayo@Acme.Example", "agent")
    again = add(acme, " dayo@acme.example", "manager")

    assert first.pk == again.pk and again.role == "manager"
    assert User.objects.filter(email="dayo@acme.example").count() == 1


@pytest.mark.parametrize(
    "email", ["", "dayo", "@", "a@b", "a b@c.example", "a\x00@b.example", "x" * 250 + "@b.example"]
)
def test_what_is_no_address_is_refused(acme: Workspace, email: str) -> None:
    with pytest.raises(members.UnableToAddMember, match="not an e-mail address"):
        add(acme, email, "agent")


def test_an_unknown_role_is_refused(acme: Workspace) -> None:
    with pytest.raises(members.UnableToAddMember, match="role is one of"):
        add(acme, "dayo@acme.example", "god")


def test_a_stranger_is_no_member_and_sees_no_workspace(
    acme: Workspace, chidi: User, ada: User
) -> None:
    with scope.workspace(acme):
        assert members.find(workspace=acme, user=chidi) is None
    assert [space.slug for space in members.workspaces_of(user=chidi)] == ["rival"]
    assert [space.slug for space in members.workspaces_of(user=ada)] == ["acme"]


# --- Notices -----------------------------------------------------------------------------------


def tell(space: Workspace, key: str = "k", text: str = "Something happened.") -> bool:
    with scope.workspace(space):
        return notices.tell_owners(workspace=space, key=key, text=text, now=clock.now())


def test_a_notice_is_news_once(acme: Workspace) -> None:
    assert [tell(acme), tell(acme, text="other words"), tell(acme, key="other")] == [
        True,
        False,
        True,
    ]


def test_a_notice_of_any_length_is_kept(acme: Workspace) -> None:
    assert tell(acme, key="k" * 500, text="t" * 5_000) is True
    assert tell(acme, key="k" * 500) is False


def test_owners_and_nobody_else_get_the_mail(acme: Workspace) -> None:
    tell(acme)
    with scope.workspace(acme):
        sent = notices.mail(workspace=acme, key="k")

    assert sent == 1
    assert [(m.to, m.body) for m in mail.outbox] == [(["ada@acme.example"], "Something happened.")]


def test_without_such_a_notice_nobody_is_written_to(acme: Workspace, rival: Workspace) -> None:
    tell(rival)
    with scope.workspace(acme):
        assert notices.mail(workspace=acme, key="k") == 0


def test_a_notice_that_was_put_away_stays_away(acme: Workspace, rival: Workspace) -> None:
    tell(acme)
    with scope.workspace(acme):
        notice = Notice.objects.get()
    with scope.workspace(rival):
        notices.dismiss(workspace=rival, notice_id=notice.pk, now=clock.now())
    with scope.workspace(acme):
        assert notices.standing(workspace=acme) == [notice]
        notices.dismiss(workspace=acme, notice_id=notice.pk, now=clock.now())
        assert notices.standing(workspace=acme) == []
    assert tell(acme) is False


# --- Suspending --------------------------------------------------------------------------------


def change(space: Workspace, act: Any, reason: str = "unpaid") -> bool:
    return bool(
        act(workspace_id=space.pk, reason=reason, actor=None, actor_kind="staff", now=clock.now())
    )


def test_a_workspace_is_suspended_and_opened_once_each(acme: Workspace) -> None:
    changed = [
        change(acme, act)
        for act in (states.reactivate, states.suspend, states.suspend, states.reactivate)
    ]

    assert changed == [False, True, False, True]
    with scope.workspace(acme):
        actions = AuditEntry.objects.filter(action__startswith="workspace.").order_by("pk")
        assert [a.action for a in actions][-2:] == ["workspace.suspended", "workspace.active"]
        assert Workspace.objects.get().state_reason == ""


def test_an_endless_reason_is_cut(acme: Workspace) -> None:
    assert change(acme, states.suspend, reason="x" * 5_000)

    with scope.system():
        assert len(Workspace.objects.get(pk=acme.pk).state_reason) == 200


def test_what_waited_while_suspended_goes_out_after(way: Way) -> None:
    way.post(whatsapp.text("What time do you open?", wamid="wamid.1"))
    drain.run(workspace=way.space)
    change(way.space, states.suspend)
    way.work()
    with scope.system():
        state_in_between = OutboundJob.objects.get().state
    change(way.space, states.reactivate)
    way.work()

    assert state_in_between == "queued"
    assert len(way.api.messages) == 1


# --- Finding -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "slug",
    ["", "nowhere", "ACME", "acme ", "a\x00b", "x" * 5_000, "../acme", "acme\n", "ạcme", "%"],
)
def test_what_is_no_address_of_ours_is_not_found(acme: Workspace, slug: str) -> None:
    assert registry.by_slug(slug) is None


def test_a_workspace_is_found_by_address_and_id_and_asked_for_once(
    acme: Workspace, django_assert_num_queries: Any
) -> None:
    registry.forget()
    assert registry.by_slug("acme") == acme and registry.by_id(acme.pk) == acme

    with django_assert_num_queries(0):
        assert registry.by_slug("acme") == acme and registry.by_id(acme.pk) == acme


@pytest.mark.parametrize(
    "path", ["/w/a%00b/", "/w/%E1%BA%A1/", "/w/" + "x" * 3000 + "/", "/w/..%2Facme/", "/w//"]
)
def test_no_path_is_a_server_error(client_for: Any, ada: User, path: str) -> None:
    assert client_for(ada).get(path).status_code in (301, 302, 404)
