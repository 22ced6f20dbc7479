"""Why this reply, or why none?"""

import pytest
from django.test import Client

from tests.pages.conftest import Shop

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("asked", ["wamid.IN1", "wamid.OUT1"])
def test_the_account_is_found_by_either_message(shop: Shop, owner: Client, asked: str) -> None:
    page = owner.get(f"/w/acme/why/?id={asked}").text

    assert "Why this reply?" in page and "Your answer “How much is delivery?” fits." in page
    assert "2 checks, none of them in the way." in page and "faq_matched" in page
    assert f"/w/acme/faqs/{shop.entry.pk}/" in page


def test_what_is_copied_for_support_has_no_word_of_the_customer(shop: Shop, viewer: Client) -> None:
    page = viewer.get(f"/w/acme/why/?id={shop.asked.pk}").text
    copied = page.split('id="for-support"')[1].split("</textarea>")[0]

    assert "faq act faq_matched" in copied and "wamid.IN1" in copied
    assert "delivery" not in copied.lower() and "Ngozi" not in copied


def test_beside_the_pretend_phone_it_comes_without_its_shell(shop: Shop, owner: Client) -> None:
    framed = owner.get("/w/acme/why/?id=wamid.IN1", headers={"sec-fetch-dest": "iframe"})

    assert 'class="nav"' not in framed.text and 'class="framed"' in framed.text
    assert "frame-ancestors 'self' http://127.0.0.1" in framed.headers["Content-Security-Policy"]


@pytest.mark.parametrize("asked", ["", "nope", "999999", "9" * 40, "%00"])
def test_an_unknown_message_is_explained(shop: Shop, owner: Client, asked: str) -> None:
    assert owner.get(f"/w/acme/why/?id={asked}").status_code == 404


def test_strangers_find_nothing(shop: Shop, stranger: Client) -> None:
    assert stranger.get("/w/acme/why/?id=wamid.IN1").status_code == 404
    assert stranger.get("/w/rival/why/?id=wamid.IN1").status_code == 404
