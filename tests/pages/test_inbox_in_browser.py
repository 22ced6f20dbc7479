"""The inbox in a real browser: nothing that is typed is lost, keys work, everything fits."""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from connections import manager
from lib import clock
from messaging import notes, quick_answers
from messaging.models import Contact, Conversation, Message
from tests.pages.conftest import write
from tests.pages.test_linking_in_browser import (
    Aside,
    Shop,
    aside,
    browser,
    context,
    fits,
    page,
    pytestmark,
    shop,
    url,
    wait_for_scripts,
)
from workspaces import scope

__all__ = ["aside", "browser", "context", "page", "pytestmark", "shop", "url"]


@pytest.fixture
def talks(shop: Shop, aside: Aside) -> list[int]:
    return aside(_fill, shop)


def _fill(shop: Shop) -> list[int]:
    now = clock.now()
    ids = []
    with scope.workspace(shop.space):
        number = manager.add(
            workspace=shop.space, provider="cloud_api", phone="0803 123 4567", external_id=f"9{shop.space.pk}",
            account_id="3", secrets={"access_token": "t", "app_secret": "s"}, actor=None, now=now, is_verified=True,
        )  # fmt: skip
        people = [
            "Chiamaka Okafor",
            "Tunde A.",
            "Blessing Eze",
            "",
            "Halima B.",
            "Segun K.",
            "Ngozi U.",
        ]
        for n, name in enumerate(people):
            at = now - timedelta(minutes=7 * n)
            contact = Contact.objects.create(
                name=name, phone=f"+23480611122{n:02}", created_at=at, last_seen_at=at
            )
            talk = Conversation.objects.create(
                contact=contact, connection_id=number.pk, last_message_at=at, last_inbound_at=at,
                opened_at=at - timedelta(hours=2), needs_person=n in (0, 2), needs_person_since=at if n in (0, 2) else None,
            )  # fmt: skip
            ids.append(talk.pk)
            write(talk, "Good afternoon", ago=timedelta(minutes=40 + 7 * n), wamid=f"a{n}")
            write(talk, "Good afternoon! Welcome to *Mama Put Fabrics*. How can I help?", author="bot",
                  ago=timedelta(minutes=39 + 7 * n), wamid=f"b{n}")  # fmt: skip
            write(
                talk,
                "How much is delivery to Lekki, and when would it arrive?",
                ago=timedelta(minutes=7 * n),
                wamid=f"c{n}",
            )
        first = Conversation.objects.get(pk=ids[0])
        notes.add(contact=first.contact, conversation=first, text="Wants 5 yards of the blue ankara, pays on delivery.",
                  user=shop.owner, now=now)  # fmt: skip
        Message.objects.create(
            conversation=first, direction="out", author="bot", kind="text", text="Delivery is ₦3,500.", status="failed",
            error="The number is not on WhatsApp.", provider_at=now, created_at=now,
        )  # fmt: skip
        quick_answers.save(
            title="Bank details",
            text="GTBank 0123456789, Mama Put Fabrics.",
            user=shop.owner,
            now=now,
        )
        quick_answers.save(
            title="Where we are", text="12 Allen Avenue, Ikeja.", user=shop.owner, now=now
        )
    return ids


def test_what_is_typed_stays_while_the_page_refreshes(
    page: Page, shop: Shop, aside: Aside, url: str, talks: list[int]
) -> None:
    page.goto(f"{url}/w/{shop.space.slug}/conversations/")
    fits(page)
    page.locator(".talks a").first.click()
    page.wait_for_selector("#reply-form")
    fits(page)
    page.fill("[name=text]", "Yes, we deliver to")
    with page.expect_response(lambda r: "/live/" in r.url and r.status in (200, 204)):
        pass

    aside(_say, shop, talks[0], "Still there?")
    expect(page.locator("#latest").get_by_text("Still there?")).to_be_visible(timeout=8_000)

    assert page.input_value("[name=text]") == "Yes, we deliver to"
    fits(page)
    page.get_by_role("link", name="Quick answers and FAQ").click()
    page.get_by_role("button", name="Where we are").click()
    expect(page.locator("[name=text]")).to_have_value(
        "Yes, we deliver to\n\n12 Allen Avenue, Ikeja."
    )
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#latest").get_by_text("12 Allen Avenue")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("[name=text]")).to_have_value(
        "Yes, we deliver to\n\n12 Allen Avenue, Ikeja."
    )
    assert page.locator("#latest").get_by_text("12 Allen Avenue").count() == 0


def _say(shop: Shop, talk_id: int, text: str) -> None:
    with scope.workspace(shop.space):
        write(Conversation.objects.get(pk=talk_id), text, wamid=text)


def test_keys_lead_through_the_list(page: Page, shop: Shop, url: str, talks: list[int]) -> None:
    page.goto(f"{url}/w/{shop.space.slug}/conversations/")
    page.wait_for_selector(".talks a")
    wait_for_scripts(page)  # keys need the scripts, which come after the page

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector("#reply-form")

    assert f"/conversations/{talks[1]}/" in page.url
    wait_for_scripts(page)
    page.keyboard.press("r")
    page.keyboard.type("jk/?e")
    assert page.input_value("[name=text]") == "jk/?e"


def test_nothing_serious_is_in_the_way_of_anybody(
    page: Page, shop: Shop, url: str, talks: list[int]
) -> None:
    at = f"{url}/w/{shop.space.slug}"
    page.goto(f"{at}/conversations/{talks[0]}/")
    contact = page.locator(".who-is").get_attribute("href")
    for place in (
        f"{at}/conversations/?q=lekki",
        f"{at}/conversations/{talks[0]}/?picks=1",
        f"{url}{contact}",
        f"{url}{contact}erase/",
        f"{at}/quick-answers/",
    ):
        page.goto(place)
        page.wait_for_timeout(400)  # what is beside the thread comes after it
        found = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:120]) for one in found if one["impact"] in ("serious", "critical")] == []  # fmt: skip
        fits(page)
