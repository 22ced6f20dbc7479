"""The team: who is there, roles, removing, leaving."""

from typing import Any

import pytest
from django.test import Client

from lib import clock
from messaging import commands, takeover
from messaging.models import OwnerNumber
from tests.pages.conftest import Shop
from workspaces import members, scope, team, tokens
from workspaces.models import AuditEntry, Member, User, Workspace

pytestmark = pytest.mark.django_db
TEAM = "/w/acme/settings/team/"


def member_of(space: Workspace, user: User) -> Member:
    with scope.workspace(space):
        found = members.find(workspace=space, user=user)
    assert found is not None
    return found


def add(space: Workspace, email: str, role: str) -> Member:
    with scope.workspace(space):
        return members.add(workspace=space, email=email, role=role, actor=None, now=clock.now())


# --- Who may what ------------------------------------------------------------------------------


def test_everybody_of_the_team_sees_it_and_managers_change_it(
    acme: Workspace, owner: Client, agent: Client, viewer: Client, stranger: Client, bola: User
) -> None:
    assert "bola@acme.example" in owner.get(TEAM).text
    assert "What each role may do" in viewer.get(TEAM).text
    assert "Invite somebody" in owner.get(TEAM).text
    assert "Invite somebody" not in agent.get(TEAM).text
    assert stranger.get(TEAM).status_code == 404
    assert Client().get(TEAM).status_code == 302
    pk = member_of(acme, bola).pk
    for path in (f"{pk}/role/", f"{pk}/remove/", "invite/", "invitations/1/resend/",
                 "invitations/1/revoke/", "invitations/1/restore/"):  # fmt: skip
        assert agent.post(TEAM + path).status_code == 403, path
        assert viewer.post(TEAM + path).status_code == 403, path
        assert stranger.post(TEAM + path).status_code == 404, path
        assert Client().post(TEAM + path).status_code == 302, path


def test_a_role_is_changed_and_the_change_is_taken_back(
    acme: Workspace, owner: Client, bola: User
) -> None:
    pk = member_of(acme, bola).pk

    page = owner.post(f"{TEAM}{pk}/role/", {"role": "manager"}, follow=True).text

    assert "Bola is now Manager." in page and "Undo" in page
    assert member_of(acme, bola).role == "manager"
    owner.post(f"{TEAM}{pk}/role/", {"role": "agent"})
    assert member_of(acme, bola).role == "agent"


@pytest.mark.parametrize("role", ["", "god", "x" * 500, "owner\x00"])
def test_an_unknown_role_changes_nothing(
    acme: Workspace, owner: Client, bola: User, role: str
) -> None:
    owner.post(f"{TEAM}{member_of(acme, bola).pk}/role/", {"role": role})

    assert member_of(acme, bola).role == "agent"


def test_only_owners_make_and_lower_owners(
    acme: Workspace, manager: Client, owner: Client, ada: User, bola: User
) -> None:
    manager.post(f"{TEAM}{member_of(acme, bola).pk}/role/", {"role": "owner"})
    page = manager.post(
        f"{TEAM}{member_of(acme, ada).pk}/role/", {"role": "viewer"}, follow=True
    ).text
    manager.post(f"{TEAM}{member_of(acme, ada).pk}/remove/")

    assert "Only an owner makes or removes owners" in page
    assert member_of(acme, ada).role == "owner" and member_of(acme, bola).role == "agent"
    owner.post(f"{TEAM}{member_of(acme, bola).pk}/role/", {"role": "owner"})
    assert member_of(acme, bola).role == "owner"


def test_the_last_owner_stays_whatever_is_tried(acme: Workspace, owner: Client, ada: User) -> None:
    pk = member_of(acme, ada).pk

    owner.post(f"{TEAM}{pk}/role/", {"role": "agent"})
    owner.post(f"{TEAM}{pk}/remove/")
    page = owner.post(f"{TEAM}leave/", follow=True).text

    assert "this is the last one" in page
    assert member_of(acme, ada).role == "owner"
    assert "Make somebody else owner first" in owner.get(f"{TEAM}leave/").text


def test_a_member_of_another_workspace_is_not_found(
    acme: Workspace, rival: Workspace, owner: Client, chidi: User
) -> None:
    theirs = member_of(rival, chidi).pk

    assert owner.post(f"{TEAM}{theirs}/role/", {"role": "viewer"}).status_code == 404
    assert owner.get(f"{TEAM}{theirs}/remove/").status_code == 404
    assert owner.post(f"{TEAM}{theirs}/remove/").status_code == 404
    assert member_of(rival, chidi).role == "owner"


# --- Going -------------------------------------------------------------------------------------


def test_who_is_removed_loses_everything_at_once(
    shop: Shop, owner: Client, agent: Client, bola: User, now: Any
) -> None:
    pk = member_of(shop.space, bola).pk
    with scope.workspace(shop.space):
        takeover.hold(conversation=shop.talk, minutes=60, now=clock.now(), user_id=bola.pk)
        shop.talk.save()
        commands.begin_confirmation(
            workspace=shop.space, user=bola, phone="08031112222", now=clock.now()
        )
        made = tokens.make(
            workspace=shop.space, email=bola.email, actor=None, now=clock.now()
        )  # fmt: skip
    assert "Conversations that they hold" in owner.get(f"{TEAM}{pk}/remove/").text

    page = owner.post(f"{TEAM}{pk}/remove/", follow=True).text

    assert "Bola has no access any more." in page
    assert agent.get("/w/acme/").status_code == 404
    with pytest.raises(tokens.UnableToAccept):
        tokens.authenticate(made.text, now=clock.now())
    with scope.workspace(shop.space):
        shop.talk.refresh_from_db()
        made.row.refresh_from_db()
        assert shop.talk.holder == "bot" and shop.talk.held_by_id is None
        assert shop.talk.needs_person, "the customer still waits"
        assert not OwnerNumber.objects.exists()
        assert made.row.revoked_at is not None
        entry = AuditEntry.objects.get(action="member.removed")
        assert entry.target == f"user {bola.pk}"


def test_a_member_leaves(acme: Workspace, agent: Client, bola: User) -> None:
    assert "Leave Acme Fabrics?" in agent.get(f"{TEAM}leave/").text

    assert agent.post(f"{TEAM}leave/").status_code == 302

    assert agent.get(TEAM).status_code == 404
    with scope.workspace(acme):
        assert AuditEntry.objects.filter(action="member.left", actor=bola).exists()


def test_who_was_removed_a_moment_ago_changes_nothing_any_more(
    acme: Workspace, ada: User, bola: User
) -> None:
    actor = add(acme, "mike@acme.example", "manager")
    with scope.workspace(acme):
        Member.objects.filter(pk=actor.pk).delete()

        with pytest.raises(team.UnableToChangeTeam, match="do not belong"):
            team.change_role(
                workspace=acme,
                member_id=members.find(workspace=acme, user=bola).pk,  # type: ignore[union-attr]
                role="manager",
                actor=actor,
                now=clock.now(),
            )


def test_last_seen_is_noted_once_in_a_while(acme: Workspace, agent: Client, bola: User) -> None:
    agent.get("/w/acme/")
    first = member_of(acme, bola).last_seen_at
    agent.get("/w/acme/")

    assert first is not None and member_of(acme, bola).last_seen_at == first


def test_a_large_team_costs_no_more_queries(
    acme: Workspace, owner: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        add(acme, f"person-{number}@acme.example", "agent")
    owner.get(TEAM)

    with django_assert_max_num_queries(14):
        assert "person-29@acme.example" in owner.get(TEAM).text
