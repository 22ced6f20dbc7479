"""A person's own page: name, e-mail, password, passkeys, devices; and the second step."""

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core import mail
from django.test import Client

from tests.pages.conftest import HTMX
from workspaces.models import User, Workspace

pytestmark = pytest.mark.django_db
PAGE = "/account/security/"
PHONE = "Mozilla/5.0 (Linux; Android 13) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36"


def sign_in(user: User, password: str, agent: str = PHONE) -> Client:
    client = Client(headers={"user-agent": agent})
    answer = client.post("/accounts/login/", {"login": user.email, "password": password})
    assert answer.status_code == 302
    return client


@pytest.mark.parametrize("path", [PAGE, "/accounts/2fa/webauthn/add/", "/accounts/email/"])
def test_nobody_is_asked_to_sign_in(db: None, path: str) -> None:
    assert Client().get(path).status_code == 302


def test_the_page_is_ones_own(acme: Workspace, ada: User, bola: User) -> None:
    mine = sign_in(ada, "ada-password-1")
    sign_in(bola, "bola-password-1", "Mozilla/5.0 (Windows NT 10.0) Firefox/130.0")

    text = mine.get(PAGE).text

    assert "ada@acme.example" in text and "Chrome on Android" in text and "This one" in text
    assert "bola" not in text and "Firefox" not in text
    assert "/w/acme/settings/" in text
    assert PAGE in mine.get("/w/acme/").text


def test_a_name_is_changed(owner: Client, ada: User) -> None:
    owner.post("/account/name/", {"name": "  Ada \n Obi "})

    ada.refresh_from_db()
    assert ada.name == "Ada Obi"
    for wrong in ("", "x" * 121, "a\x00b"):
        answer = owner.post("/account/name/", {"name": wrong}, headers=HTMX)
        assert answer.status_code == 422, wrong
    assert Client().post("/account/name/", {"name": "x"}).status_code == 302
    assert owner.get("/account/name/").status_code == 405


def test_other_devices_are_signed_out_at_once(acme: Workspace, ada: User, bola: User) -> None:
    here, elsewhere = sign_in(ada, "ada-password-1"), sign_in(ada, "ada-password-1", "Firefox/9")
    somebody = sign_in(bola, "bola-password-1")
    assert "Sign out everywhere else" in here.get(PAGE).text

    page = here.post("/account/devices/sign-out/", follow=True).text

    assert "signed out everywhere else" in page
    assert elsewhere.get("/w/acme/").status_code == 302
    assert here.get("/w/acme/").status_code == 200 and somebody.get("/w/acme/").status_code == 200
    assert UserSession.objects.filter(user=ada).count() == 1


def confirmed(client: Client, path: str, values: dict[str, str] | None = None) -> Any:
    """Ask for something about the sign-in, show once more that it is Ada, and be answered."""
    asked = client.get(path) if values is None else client.post(path, values)
    assert asked.status_code == 302 and "/reauthenticate/" in asked.headers["Location"], path
    assert "Show that it is you" in client.get(asked.headers["Location"]).text
    wrong = client.post(asked.headers["Location"], {"password": "wrong", "next": path})
    assert wrong.status_code == 200
    return client.post(asked.headers["Location"], {"password": "ada-password-1", "next": path})


def test_a_password_is_changed_by_who_knows_it(owner: Client, ada: User) -> None:
    values = {"oldpassword": "wrong", "password1": "a-new-word-9", "password2": "a-new-word-9"}
    assert owner.post("/accounts/password/change/", values).status_code == 200

    done = owner.post("/accounts/password/change/", values | {"oldpassword": "ada-password-1"})

    assert done.headers["Location"] == PAGE
    ada.refresh_from_db()
    assert ada.check_password("a-new-word-9")


def test_an_address_changes_when_its_code_is_typed(acme: Workspace, ada: User) -> None:
    client = sign_in(ada, "ada-password-1")
    assert "Change your e-mail" in client.get("/accounts/email/").text

    confirmed(client, "/accounts/email/", {"email": "ada@new.example", "action_add": ""})
    ada.refresh_from_db()
    assert ada.email == "ada@acme.example"
    code = re.search(r"\b\d{6}\b", str(mail.outbox[-1].body))
    assert code is not None and mail.outbox[-1].to == ["ada@new.example"]
    client.post("/accounts/confirm-email/", {"code": code[0]})

    ada.refresh_from_db()
    assert ada.email == "ada@new.example"
    assert [one.email for one in EmailAddress.objects.filter(user=ada)] == ["ada@new.example"]


def test_a_passkey_is_added_by_who_shows_that_it_is_them(ada: User) -> None:
    client = sign_in(ada, "ada-password-1")
    path = "/accounts/2fa/webauthn/add/"

    assert confirmed(client, path).headers["Location"] == path
    for said in ("", "{}", "[]", "x" * 30_000, '{"id": "a", "response": {}}'):
        answer = client.post(path, {"credential": said, "passwordless": "on"})
        assert answer.status_code == 200 and "errorlist nonfield" in answer.text, said[:30]
    assert not Authenticator.objects.exists()


def test_the_sign_in_page_offers_a_passkey_with_script_only(db: None) -> None:
    page = Client().get("/accounts/login/").text

    assert 'data-passkey="get"' in page and "js/passkeys" in page
    assert re.search(r"<button[^>]* data-script hidden>", page)


def test_a_made_up_passkey_opens_nothing(db: None) -> None:
    for said in ("", "{}", "x" * 9_000, '{"id": "a"}', "[]", "null", '{"id":"\\u0000"}'):
        answer = Client().post("/accounts/2fa/webauthn/login/", {"credential": said})
        assert answer.status_code == 302 and answer.headers["Location"] == "/accounts/login/", said


def test_somebody_elses_passkey_is_not_found(ada: User, bola: User) -> None:
    theirs = Authenticator.objects.create(
        user=bola, type=Authenticator.Type.WEBAUTHN, data={"name": "Theirs", "credential": {}}
    )
    client = sign_in(ada, "ada-password-1")
    confirmed(client, "/accounts/2fa/webauthn/add/")

    for act in ("remove", "edit"):
        assert client.get(f"/accounts/2fa/webauthn/keys/{theirs.pk}/{act}/").status_code == 404
        assert client.post(f"/accounts/2fa/webauthn/keys/{theirs.pk}/{act}/").status_code == 404
    assert Authenticator.objects.filter(pk=theirs.pk).exists()
