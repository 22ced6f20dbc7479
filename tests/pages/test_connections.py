"""The numbers of a workspace: add with a live check, stop, resume, remove."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from connections import cards, providers, verify_tokens
from connections.models import Connection
from connections.providers.base import CheckResult, Code, ProviderError
from tests.pages.conftest import HTMX, Shop
from workspaces import scope
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
LIST = "/w/acme/connections/"
FORM = {
    "phone": "0809 555 0142",
    "external_id": "778899",
    "account_id": "112233",
    "access_token": "a-new-token",
    "app_secret": "a-new-secret",
}


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What WhatsApp says to a live check; an exception is raised."""
    said: list[Any] = []

    def check(self: object, account: object) -> CheckResult:
        answer = said.pop(0)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, CheckResult)
        return answer

    monkeypatch.setattr(type(providers.get("cloud_api")), "check", check)
    yield said


def added(space: Workspace) -> Connection:
    with scope.workspace(space):
        return Connection.objects.get(external_id="778899")


def test_a_number_that_works_is_connected_and_says_what_meta_needs(
    acme: Workspace, owner: Client, answers: list[Any]
) -> None:
    assert "No number is connected" in owner.get(LIST).text
    answers.append(
        CheckResult("+2348095550142", "Acme Fabrics", "GREEN", ("The name is in review.",))
    )

    page = owner.post(LIST + "add/", FORM, follow=True).text

    connection = added(acme)
    assert (connection.phone, connection.state) == ("+2348095550142", "connected")
    assert "WhatsApp answers: Acme Fabrics" in page and "The name is in review." in page
    assert "/webhooks/whatsapp/" in page and verify_tokens.token_of(connection) in page
    for secret in ("a-new-token", "a-new-secret"):
        assert (
            secret not in page
            and secret not in owner.get(LIST + f"add/?renew={connection.pk}").text
        )


def test_a_refused_token_is_said_in_the_form_and_nothing_is_sent(
    acme: Workspace, owner: Client, answers: list[Any]
) -> None:
    answers.append(ProviderError(Code.REJECTED, "WhatsApp does not accept this token."))

    part = owner.post(LIST + "add/", FORM, headers=HTMX)

    assert part.status_code == 422 and "does not accept this token" in part.text
    assert "a-new-token" not in part.text and "<html" not in part.text
    assert not added(acme).is_sending
    assert "does not accept this token" in owner.get(LIST).text


def test_an_unreachable_whatsapp_leaves_the_number_saved(
    acme: Workspace, owner: Client, answers: list[Any]
) -> None:
    answers.append(ProviderError(Code.UNREACHABLE, "WhatsApp cannot be reached.", retryable=True))

    page = owner.post(LIST + "add/", FORM, follow=True)

    assert "The number is saved, but: WhatsApp cannot be reached." in page.text
    assert added(acme).is_sending


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"phone": "0809"}, "too short"),
        ({"external_id": ""}, "required"),
        ({"external_id": "12 34;"}, "digits and letters only"),
    ],
)
def test_a_mistake_is_said_before_whatsapp_is_asked(
    acme: Workspace, owner: Client, change: dict[str, str], said: str
) -> None:
    page = owner.post(LIST + "add/", FORM | change)

    assert page.status_code == 422 and said in page.text


def test_another_workspaces_number_cannot_be_taken(
    shop: Shop, stranger: Client, answers: list[Any]
) -> None:
    answers.append(CheckResult("", "", ""))  # even with credentials that work
    page = stranger.post("/w/rival/connections/add/", FORM | {"external_id": "100200300"})

    assert page.status_code == 422 and "another workspace" in page.text


def test_sending_stops_goes_on_and_is_checked(
    shop: Shop, owner: Client, viewer: Client, stranger: Client, answers: list[Any]
) -> None:
    at = f"{LIST}{shop.number.pk}/"
    assert "Check now" not in viewer.get(at).text
    assert stranger.get(at).status_code == 404
    assert stranger.get(f"/w/rival/connections/{shop.number.pk}/").status_code == 404
    assert viewer.post(at + "switch/", {"is_sending": "off"}).status_code == 403

    off = owner.post(at + "switch/", {"is_sending": "off"}, follow=True).text
    assert "Sending stopped" in off
    owner.post(at + "switch/", {"is_sending": "on"})
    answers.append(CheckResult("", "", ""))
    checked = owner.post(at + "check/", follow=True).text

    assert "the number works" in checked and "Sending stopped by your team" in checked


def test_removing_asks_for_the_last_digits(shop: Shop, owner: Client) -> None:
    at = f"{LIST}{shop.number.pk}/remove/"

    wrong = owner.post(at, {"digits": "0000"}, headers=HTMX)
    right = owner.post(at, {"digits": "4567"})

    assert wrong.status_code == 422 and "Nothing was removed" in wrong.text
    assert right.headers["Location"] == LIST
    with scope.workspace(shop.space):
        assert cards.cards(workspace=shop.space) == []


def test_the_pretend_phone_is_offered_in_development_only(
    acme: Workspace, owner: Client, settings: Any
) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"  # nobody listens there
    page = owner.post(LIST + "simulator/", follow=True).text
    assert "The pretend phone does not answer" in page and "Pretend phone" in page

    settings.SIMULATOR_URL = ""
    assert owner.post(LIST + "simulator/").status_code == 404
