"""Inviting somebody by e-mail or by a link, and how those who are invited arrive."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from lib import clock
from tests.pages.conftest import HTMX
from tests.pages.test_team import TEAM, add, member_of
from workspaces import invitations, members, scope
from workspaces.models import AuditEntry, Invitation, Member, User, Workspace

pytestmark = pytest.mark.django_db
LINK = re.compile(r"/join/[0-9a-f]{40}/")


def link_for(owner: Client, role: str = "agent") -> str:
    page = owner.post(f"{TEAM}invite/", {"way": "link", "role": role}).text
    found = LINK.search(page)
    assert found is not None, page
    return found[0]


def test_a_link_is_shown_once_and_joins_the_first_who_opens_it(
    acme: Workspace, owner: Client, stranger: Client, chidi: User, support: Client
) -> None:
    answer = owner.post(f"{TEAM}invite/", {"way": "link", "role": "agent"}, headers=HTMX)
    path = LINK.search(answer.text)[0]  # type: ignore[index]
    assert "https://wa.me/?text=Join%20Acme%20Fabrics" in answer.text
    assert path not in owner.get(TEAM).text

    assert "Join Acme Fabrics as Agent" in stranger.get(path).text
    assert "Welcome to Acme Fabrics." in stranger.post(path, follow=True).text

    assert member_of(acme, chidi).role == "agent"
    assert "You belong to Acme Fabrics" in stranger.get(path).text
    used = support.post(path)
    assert used.status_code == 410 and "works once" in used.text
    with scope.workspace(acme):
        assert AuditEntry.objects.filter(action="member.joined", actor=chidi).exists()


def test_a_link_for_a_number_opens_its_chat(owner: Client) -> None:
    page = owner.post(f"{TEAM}invite/", {"way": "link", "role": "viewer", "phone": "0803 123 4567"})

    assert "https://wa.me/2348031234567?text=" in page.text


def test_a_letter_is_for_its_address_only(
    acme: Workspace,
    owner: Client,
    stranger: Client,
    client_for: Callable[[User], Client],
    django_capture_on_commit_callbacks: Any,
) -> None:
    answer = owner.post(
        f"{TEAM}invite/",
        {"way": "email", "email": "Dayo@Acme.example", "role": "manager"},
        follow=True,
    )
    assert "The invitation goes to dayo@acme.example." in answer.text
    path = mailed(acme)
    dayo = User.objects.create_user("dayo@acme.example")
    mine = client_for(dayo)

    assert "went to <b>d…@acme.example" in stranger.get(path).text
    assert stranger.post(path).status_code == 403
    assert mine.post(path).status_code == 403, "the address is not confirmed yet"
    EmailAddress.objects.create(user=dayo, email=dayo.email, verified=True, primary=True)
    mine.post(path)

    assert member_of(acme, dayo).role == "manager"


def mailed(space: Workspace) -> str:
    with scope.workspace(space):
        invitation = Invitation.objects.latest("pk")
        invitations.mail(
            workspace=space, invitation_id=invitation.pk, serial=invitation.serial, now=clock.now()
        )
        again = invitations.mail(
            workspace=space, invitation_id=invitation.pk, serial=invitation.serial, now=clock.now()
        )
    assert not again
    letter = mail.outbox[-1]
    assert letter.to == [invitation.email]
    found = LINK.search(str(letter.body))
    assert found is not None
    return found[0]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"way": "email", "email": "", "role": "agent"}, "This field is required"),
        ({"way": "email", "email": "no address", "role": "agent"}, "valid email"),
        ({"way": "email", "email": "bola@acme.example", "role": "agent"}, "belongs to the team"),
        ({"way": "email", "email": "a@b.example", "role": "god"}, "Select a valid choice"),
        ({"way": "link", "role": "agent", "phone": "12"}, "too short"),
        ({"way": "pigeon", "role": "agent"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_sent_is_said_and_makes_nothing(
    acme: Workspace, owner: Client, bola: User, fields: dict[str, str], said: str
) -> None:
    answer = owner.post(f"{TEAM}invite/", fields, headers=HTMX)

    assert answer.status_code == 422
    if fields["way"] != "pigeon" and fields["role"] != "god":
        assert said in answer.text
    with scope.workspace(acme):
        assert not Invitation.objects.exists()


def test_a_manager_invites_no_owner(acme: Workspace, manager: Client) -> None:
    assert manager.post(f"{TEAM}invite/", {"way": "link", "role": "owner"}).status_code == 422


def test_an_invitation_is_taken_back_and_restored(
    acme: Workspace, owner: Client, stranger: Client
) -> None:
    path = link_for(owner)
    with scope.workspace(acme):
        pk = Invitation.objects.get().pk

    page = owner.post(f"{TEAM}invitations/{pk}/revoke/", follow=True).text
    assert "its link opens nothing" in page and "Undo" in page
    assert "taken back" in stranger.post(path).text
    owner.post(f"{TEAM}invitations/{pk}/restore/")

    assert stranger.post(path).status_code == 302


def test_a_new_link_ends_the_one_before(acme: Workspace, owner: Client, stranger: Client) -> None:
    path = link_for(owner)
    with scope.workspace(acme):
        Invitation.objects.update(sent_at=clock.now() - invitations.LASTS)
        pk = Invitation.objects.get().pk

    page = owner.post(f"{TEAM}invitations/{pk}/resend/").text

    new = LINK.search(page)[0]  # type: ignore[index]
    assert new != path
    assert stranger.get(path).status_code == 404
    assert stranger.post(new).status_code == 302
    assert owner.post(f"{TEAM}invitations/{pk}/resend/").status_code == 404, "it is used"


def test_a_letter_is_not_sent_twice_in_a_minute(acme: Workspace, owner: Client) -> None:
    owner.post(f"{TEAM}invite/", {"way": "email", "email": "d@b.example", "role": "agent"})
    with scope.workspace(acme):
        pk = Invitation.objects.get().pk

    page = owner.post(f"{TEAM}invitations/{pk}/resend/", follow=True).text

    assert "sent a moment ago" in page


def test_an_expired_link_gives_no_place(acme: Workspace, owner: Client, stranger: Client) -> None:
    path = link_for(owner)
    with scope.workspace(acme):
        Invitation.objects.update(expires_at=clock.now())

    assert stranger.get(path).status_code == 410
    assert stranger.post(path).status_code == 410
    assert "Expired." in owner.get(TEAM).text


def test_guesses_get_the_same_answer(stranger: Client) -> None:
    guesses = ["a" * 40, "0" * 40, "x", "a" * 500, "%00", "1-1"]

    for client in (stranger, Client()):
        for guess in guesses:
            assert client.get(f"/join/{guess}/").status_code == 404
    assert stranger.post(f"/join/{'a' * 40}/").status_code == 404


def test_another_workspaces_invitation_is_not_found(
    acme: Workspace, owner: Client, stranger: Client
) -> None:
    link_for(owner)
    with scope.workspace(acme):
        pk = Invitation.objects.get().pk

    for act in ("resend", "revoke", "restore"):
        path = f"/w/rival/settings/team/invitations/{pk}/{act}/"
        assert stranger.post(path).status_code == 404


def test_fifty_open_invitations_are_enough(acme: Workspace, owner: Client, ada: User) -> None:
    now = clock.now()
    with scope.workspace(acme):
        Invitation.objects.bulk_create(
            Invitation(
                workspace=acme, role="agent", digest=str(n), invited_by=ada, created_at=now,
                sent_at=now, expires_at=now + invitations.LASTS,
            )
            for n in range(50)
        )  # fmt: skip

    page = owner.post(f"{TEAM}invite/", {"way": "link", "role": "agent"})

    assert page.status_code == 422 and "50 invitations are open" in page.text


def test_somebody_new_signs_up_on_the_way_and_arrives(acme: Workspace, owner: Client) -> None:
    path = link_for(owner, "viewer")
    visitor = Client()
    assert f"?next={path}" in visitor.get(path).text

    visitor.post(f"/accounts/signup/?next={path}", {"email": "new@acme.example", "next": path})
    code = re.search(r"\b\d{6}\b", str(mail.outbox[-1].body))
    assert code is not None
    landed = visitor.post("/accounts/confirm-email/", {"code": code[0]}, follow=True)

    assert landed.redirect_chain[-1][0] == path
    assert "Join Acme Fabrics as Viewer" in landed.text
    assert visitor.post(path).status_code == 302


def test_somebody_known_signs_in_on_the_way_and_arrives(
    acme: Workspace, owner: Client, chidi: User
) -> None:
    path = link_for(owner)
    visitor = Client()

    assert visitor.post(path).headers["Location"] == f"/accounts/login/?next={path}"
    landed = visitor.post(
        "/accounts/login/",
        {"login": chidi.email, "password": "chidi-password-1", "next": path},
        follow=True,
    )

    assert landed.redirect_chain[-1][0] == path


def offered(space: Workspace, actor: User, role: str = "manager", email: str = "") -> str:
    """Return the path of a link that a member has just made."""
    with scope.workspace(space):
        sent = invitations.invite(
            workspace=space, actor=member_of(space, actor), role=role, email=email, now=clock.now()
        )
    return invitations.url_of(sent.invitation).partition("/join/")[2]


def test_who_is_removed_does_not_come_back_by_a_link_of_their_own(
    acme: Workspace, owner: Client, manager: Client, client_for: Callable[[User], Client]
) -> None:
    mike = User.objects.get(email="mike@acme.example")
    link = offered(acme, mike)
    others = offered(acme, User.objects.get(email="ada@acme.example"), "agent")

    owner.post(f"{TEAM}{member_of(acme, mike).pk}/remove/")

    assert client_for(mike).get(f"/join/{link}").status_code == 410
    assert client_for(mike).post(f"/join/{link}").status_code == 410
    with scope.workspace(acme):
        assert members.find(workspace=acme, user=mike) is None
        assert AuditEntry.objects.filter(action="invitation.revoked").count() == 1
    assert Client().get(f"/join/{others}").status_code == 200, "what others offered stays"


def test_who_is_lowered_has_nothing_higher_on_offer_any_more(
    acme: Workspace, owner: Client, manager: Client
) -> None:
    mike = User.objects.get(email="mike@acme.example")
    link = offered(acme, mike)

    owner.post(f"{TEAM}{member_of(acme, mike).pk}/role/", {"role": "agent"})

    assert Client().get(f"/join/{link}").status_code == 410


def test_who_was_removed_a_moment_ago_invites_nobody(acme: Workspace, owner: Client) -> None:
    mike = add(acme, "mike@acme.example", "manager")
    with scope.workspace(acme):
        Member.objects.filter(pk=mike.pk).delete()

        with pytest.raises(invitations.UnableToInvite):
            invitations.invite(workspace=acme, actor=mike, role="agent", now=clock.now())


def test_nobody_is_written_to_without_end(acme: Workspace, ada: User) -> None:
    actor = member_of(acme, ada)
    with scope.workspace(acme):
        now = clock.now()
        for _ in range(3):
            sent = invitations.invite(
                workspace=acme, actor=actor, role="agent", email="d@b.example", now=now
            )
            pk = sent.invitation.pk
            invitations.revoke(workspace=acme, invitation_id=pk, actor=actor, now=now)
        with pytest.raises(invitations.UnableToInvite, match="often today"):
            invitations.invite(
                workspace=acme, actor=actor, role="agent", email="d@b.example", now=now
            )
        invitations.restore(workspace=acme, invitation_id=pk, actor=actor, now=now)
        for hour in range(1, 5):
            later = now + timedelta(hours=hour)
            invitations.resend(workspace=acme, invitation_id=pk, actor=actor, now=later)
        with pytest.raises(invitations.UnableToInvite, match="5 times"):
            invitations.resend(
                workspace=acme, invitation_id=pk, actor=actor, now=now + timedelta(hours=9)
            )
