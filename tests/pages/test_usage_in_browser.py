"""Usage, exports and the pages for everybody in a real browser, on a desk and on a small telephone."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, Route, expect

from billing import metering, meters
from lib import clock
from messaging import exporting
from messaging.models import Contact, Conversation, Message
from tests.pages.test_linking_in_browser import (  # noqa: F401 - fixtures
    Aside,
    Shop,
    aside,
    browser,
    context,
    shop,
    url,
    wait_for_scripts,
)
from workspaces import public, scope

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.browser,
    pytest.mark.processes,
]


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:  # noqa: F811
    """A page on which nothing breaks; a form that is refused (422) is no fault."""
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.set_default_timeout(8_000)
    yield page
    assert [text for text in problems if "status of 422" not in text] == []


def fits(page: Page) -> None:  # noqa: F811
    assert page.viewport_size
    page.wait_for_load_state("load")
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    small = page.evaluate(
        """[...document.querySelectorAll('main :is(button, a.button, summary, select, label.field, input:not([type=hidden], [type=radio]))')]
        .filter(e => e.offsetParent && e.getBoundingClientRect().height < 43.5)
        .map(e => e.outerHTML.slice(0, 80))"""
    )
    assert small == []


def nothing_serious(page: Page) -> None:  # noqa: F811
    found = Axe().run(page, context="main").response["violations"]
    assert [
        (rule["id"], [node["html"][:120] for node in rule["nodes"]])
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ] == []


def fill(made: Shop) -> None:
    now = clock.now()
    with scope.workspace(made.space):
        for ago in range(20):
            metering.record(
                workspace=made.space,
                usages=[
                    metering.Usage(meters.MESSAGES_SENT, 100 + ago, now - timedelta(days=ago), 30 + ago % 7 * 9),
                    metering.Usage(meters.MESSAGES_RECEIVED, 100 + ago, now - timedelta(days=ago), 40 + ago % 5 * 11),
                    metering.Usage(meters.AI_TOKENS, 100 + ago, now - timedelta(days=ago), 1_200),
                ],
                now=now,
            )  # fmt: skip
        contact = Contact.objects.create(
            name="Ngozi", phone="+2348061112222", created_at=now, last_seen_at=now
        )
        talk = Conversation.objects.create(
            contact=contact, connection_id=1, last_message_at=now, opened_at=now
        )
        Message.objects.create(
            conversation=talk, direction="in", author="contact", kind="text", text="How much?",
            status="received", provider_at=now, created_at=now,
        )  # fmt: skip


@pytest.fixture
def busy(shop: Shop, aside: Aside) -> Iterator[Shop]:  # noqa: F811
    aside(fill, shop)
    yield shop


def test_usage_is_read_and_its_files_lead_to_the_chats(
    page: Page,
    busy: Shop,
    url: str,  # noqa: F811
    aside: Aside,  # noqa: F811
) -> None:
    page.goto(f"{url}/w/{busy.space.slug}/usage/")
    expect(page.get_by_role("heading", name="By number")).to_be_visible()
    fits(page)
    nothing_serious(page)

    page.get_by_role("link", name="Export conversations and whole chats").click()
    fits(page)
    nothing_serious(page)
    page.get_by_label("From").fill("2026-01-02")
    page.get_by_label("To and with").fill("2026-01-01")
    page.get_by_role("button", name="Make the file").click()
    expect(page.get_by_text("comes before the first")).to_be_visible()
    page.get_by_label("From").fill("")
    page.get_by_label("To and with").fill("")
    page.get_by_text("Whole chats", exact=True).click()
    page.get_by_role("button", name="Make the file").click()
    expect(page.get_by_text("Waiting for its turn")).to_be_visible()
    fits(page)
    aside(exporting.advance, workspace=busy.space, now=clock.now(), seconds=20)
    expect(page.get_by_role("link", name="Download")).to_be_visible(timeout=5_000)
    nothing_serious(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename.startswith("messages-")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("The file is deleted.")).to_be_visible()


def test_a_new_business_sees_how_usage_will_look(page: Page, shop: Shop, url: str) -> None:  # noqa: F811
    page.goto(f"{url}/w/{shop.space.slug}/usage/")
    expect(page.get_by_text("This is how it will look")).to_be_visible()
    fits(page)
    nothing_serious(page)


def test_pages_for_everybody_fit_and_are_readable_by_all(
    page: Page,
    context: BrowserContext,  # noqa: F811
    url: str,  # noqa: F811
) -> None:
    context.clear_cookies()
    for path in public.OPEN_PATHS:
        page.goto(f"{url}/{path}")
        fits(page)
        nothing_serious(page)


def test_the_calculator_answers_while_one_types(page: Page, url: str) -> None:  # noqa: F811
    page.goto(f"{url}/pricing/")
    page.get_by_label("Chats a day").fill("400")
    expect(page.get_by_text("Pro is enough")).to_be_visible()


def hold_scripts(page: Page) -> Callable[[], None]:
    """Keep scripts away; return what lets them come."""
    waiting: list[Route] = []
    is_open: list[bool] = []
    page.route("**/*.js", lambda route: route.continue_() if is_open else waiting.append(route))

    def come() -> None:
        for _ in range(400):
            if waiting:
                break
            page.wait_for_timeout(20)
        assert waiting
        is_open.append(True)
        for script in waiting:
            script.continue_()

    return come


def test_what_is_typed_before_the_scripts_come_counts_when_they_are_there(
    page: Page,
    url: str,  # noqa: F811
) -> None:
    come = hold_scripts(page)
    page.goto(f"{url}/pricing/")
    page.get_by_label("Chats a day").fill("400")
    page.get_by_label("Replies in a chat").fill("4")
    expect(page.get_by_text("Pro is enough")).not_to_be_visible()

    come()

    expect(page.get_by_text("400 chats with 4 replies each")).to_be_visible()


def test_half_a_word_typed_before_the_scripts_come_is_no_name_yet(
    page: Page,
    shop: Shop,  # noqa: F811
    url: str,  # noqa: F811
) -> None:
    come = hold_scripts(page)
    page.goto(f"{url}/workspaces/new/")
    name = page.locator("#id_name")
    name.press_sequentially("Zo")

    come()
    wait_for_scripts(page)
    page.wait_for_timeout(300)  # in which an address would be suggested
    assert page.locator("#id_slug").input_value() == ""

    name.press_sequentially("ra Cakes")
    name.press("Tab")
    expect(page.locator("#id_slug")).to_have_value("zora-cakes")
