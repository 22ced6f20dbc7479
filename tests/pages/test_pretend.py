"""The pretend phone of linked numbers, against the WhatsApp server of this project."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from connections import pretend
from lib import http, phones
from tests.pages import whatsapp_here
from tests.pages.conftest import HTMX
from tests.pages.engine import Engine
from tests.pages.test_linking import _has_engine, engine, poll
from workspaces.models import Workspace

__all__ = ["_has_engine", "engine"]
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.processes,
    pytest.mark.skipif(not whatsapp_here.HAS_PARTS, reason="needs Node and the bridge's packages"),
]


@pytest.fixture(scope="module")
def control() -> Iterator[str]:
    with whatsapp_here.running() as server:
        yield server["control"]


@pytest.fixture
def phone(control: str, settings: Any, _has_engine: None) -> str:
    settings.FAKE_WHATSAPP_URL = control
    return control


@pytest.fixture
def at(engine: Engine) -> str:
    return f"/w/acme/connections/{engine.pk}/"


@pytest.fixture
def linked(acme: Workspace, engine: Engine, control: str) -> Engine:
    number = pretend.phone_of(acme)
    account = {"phone": number[1:], "name": "Acme Fabrics"}
    http.call("POST", f"{control}/accounts", json=account, timeout_seconds=3)
    engine.open(number)
    return engine


def test_the_number_is_real_enough_and_the_workspaces_own(
    acme: Workspace, rival: Workspace
) -> None:
    number = pretend.phone_of(acme)

    assert phones.parse(number, country="NG") == number
    assert number.startswith("+234809") and number != pretend.phone_of(rival)


def test_without_the_server_there_is_no_pretend_phone(
    engine: Engine, at: str, owner: Client, settings: Any
) -> None:
    engine.show()
    for path in ("pretend/scan/", "pretend/unlink/", "pretend/"):
        assert owner.post(at + path).status_code == 404
    assert owner.get(at + "pretend/").status_code == 404
    assert "Pretend phone" not in owner.get(at + "link/").text

    settings.FAKE_WHATSAPP_URL = "http://127.0.0.1:9"  # nobody listens there
    page = owner.post(at + "pretend/scan/", follow=True).text
    assert "does not answer. Is it running?" in page


def test_scanning_needs_a_code_and_says_what_the_phone_says(
    phone: str, engine: Engine, at: str, owner: Client, viewer: Client, stranger: Client
) -> None:
    assert "No code is shown" in owner.post(at + "pretend/scan/", follow=True).text
    engine.show()
    assert ">Scan</button>" in owner.get(at + "link/").text

    page = owner.post(at + "pretend/scan/", follow=True).text

    assert "The pretend phone says: This code is not valid" in page
    known = http.call(
        "GET", f"{phone}/accounts/{pretend.phone_of(engine.space)[1:]}", timeout_seconds=3
    )
    assert known.data["name"] == "Acme Fabrics"
    assert viewer.post(at + "pretend/scan/").status_code == 403
    assert stranger.post(at + "pretend/scan/").status_code == 404


def test_a_code_is_typed_on_the_phone_it_was_made_for(
    phone: str, engine: Engine, at: str, owner: Client
) -> None:
    owner.post(at + "link/", {"method": "code", "phone": "0809 555 0142"})
    engine.show("K7QP2M4X", kind="code")

    page = owner.post(at + "pretend/scan/", follow=True).text

    assert "Type the code" in page and "This code is not valid" in page
    assert http.call("GET", f"{phone}/accounts/2348095550142", timeout_seconds=3).ok


def test_customers_and_the_business_write_and_the_chat_shows_it(
    phone: str, linked: Engine, at: str, owner: Client, viewer: Client
) -> None:
    page = owner.get(at + "pretend/").text
    assert "Ngozi has not written yet" in page and "Amaka (hidden number)" in page
    assert poll(owner, page).status_code == 204
    to = {"customer": pretend.CUSTOMERS[0].phone}

    part = owner.post(at + "pretend/", {**to, "by": "customer", "text": "Hello <b>"}, headers=HTMX)
    assert "Hello &lt;b&gt;" in part.text and "<html" not in part.text
    owner.post(at + "pretend/", {**to, "by": "business", "text": "Me, by hand"})
    page = poll(owner, page).text

    assert page.index("Hello") < page.index("Me, by hand") and "Business’s phone" in page
    other = owner.get(f"{at}pretend/?customer={pretend.CUSTOMERS[2].phone}").text
    assert "Hello" not in other
    empty = owner.post(at + "pretend/", {**to, "by": "customer", "text": " "}, headers=HTMX)
    assert empty.status_code == 422 and "Write something" in empty.text
    assert viewer.get(at + "pretend/").status_code == 403


def test_unlinking_on_a_phone_without_devices_says_so(
    phone: str, linked: Engine, at: str, owner: Client
) -> None:
    assert re.search("No device is linked", owner.post(at + "pretend/unlink/", follow=True).text)


def test_a_phone_that_was_never_linked_has_no_chats(
    phone: str, engine: Engine, at: str, owner: Client
) -> None:
    assert owner.get(at + "pretend/").status_code == 404
