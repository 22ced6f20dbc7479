"""The pretend phone in a real browser, on a desk and on a small telephone."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.connections.simulator.conftest import Shop, Simulator, until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield browser
        browser.close()


SIZES = {"desk": (1280, 800), "telephone": (360, 740)}
only_desk = pytest.mark.parametrize("page", ["desk"], indirect=True)


@pytest.fixture(params=list(SIZES))
def page(browser: Browser, shop: Shop, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, height = SIZES[request.param]
    shop.simulator.post("customers", {"name": "Ada Obi", "phone": shop.customer})
    page = browser.new_page(viewport={"width": width, "height": height})
    problems: list[str] = []
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.set_default_timeout(5_000)
    page.goto(f"{shop.simulator.url}/?number={shop.id}&customer={shop.customer}")
    page.wait_for_selector("#composer:not([hidden])")
    yield page
    assert problems == []
    page.close()


def _buttons(shop: Shop) -> str:
    buttons = [
        {"type": "reply", "reply": {"id": f"b{n}", "title": f"Choice {n}"}} for n in (1, 2, 3)
    ]
    interactive = {
        "type": "button",
        "body": {"text": "Which *one*? <b>x</b>"},
        "action": {"buttons": buttons},
    }
    body = {"to": shop.customer, "type": "interactive", "interactive": interactive}
    return str(shop.call(body).json()["messages"][0]["id"])


def test_a_customer_writes_is_answered_and_taps(page: Page, shop: Shop) -> None:
    page.fill("#text", "How much is lace?")
    page.keyboard.press("Enter")
    until(lambda: shop.mailbox.items("messages"))
    sent = _buttons(shop)
    page.get_by_role("button", name="Choice 2").click()

    tap = until(lambda: [m for m in shop.mailbox.items("messages") if m["type"] == "interactive"])
    assert tap[0]["interactive"]["button_reply"] == {"id": "b2", "title": "Choice 2"}
    assert tap[0]["context"]["id"] == sent
    until(lambda: "read" in shop.mailbox.statuses(sent))
    assert page.locator(".bubble strong").inner_text() == "one"
    assert "<b>x</b>" in page.locator(".theirs .words").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]  # type: ignore[index]


@only_desk
def test_each_message_leads_to_its_trace(page: Page, shop: Shop, simulator: Simulator) -> None:
    simulator.post("numbers", {"phone_number_id": shop.id, "workspace_slug": "acme"})
    (message_id,) = shop.write("hello")

    link = page.locator("a.explain")
    link.wait_for()

    href = link.get_attribute("href") or ""
    assert href.startswith("http://127.0.0.1:1/w/acme/why/?id=wamid.")
    assert message_id.replace("=", "%3D").replace("+", "%2B").replace("/", "%2F") in href


def test_a_switch_of_the_network_panel_is_a_fault(
    page: Page, shop: Shop, simulator: Simulator
) -> None:
    opener = page.locator("#desk-open")
    if opener.is_visible():
        opener.click()
    page.locator("#network summary").click()
    page.get_by_label("Deliver everything twice").check()
    page.select_option("#refuse", "131056")

    until(lambda: len(simulator.get("faults")["numbers"].get(shop.id, {})) == 2)
    assert shop.text().json()["error"]["code"] == 131056
    page.get_by_role("button", name="Everything back to normal").click()
    until(lambda: shop.id not in simulator.get("faults")["numbers"])


def test_the_attach_menu_sends_and_controls_are_large_enough(page: Page, shop: Shop) -> None:
    page.click("#attach")
    page.get_by_role("button", name="Location", exact=True).click()

    until(lambda: shop.mailbox.items("messages"))
    assert shop.mailbox.items("messages")[0]["type"] == "location"
    page.locator(".row.mine").wait_for()
    small = page.evaluate(
        """[...document.querySelectorAll('button, a, input:not([type=checkbox]), select, summary')]
        .filter(e => e.offsetParent && e.getBoundingClientRect().height < 43.5)
        .map(e => e.outerHTML.slice(0, 80))"""
    )
    assert small == []


@only_desk
def test_the_phone_shows_that_the_business_writes(page: Page, shop: Shop) -> None:
    (message_id,) = shop.write("hello")
    shop.call({"status": "read", "message_id": message_id, "typing_indicator": {"type": "text"}})

    page.locator("#typing:not([hidden])").wait_for()
    assert page.locator("#subtitle").inner_text() == "writing…"
    page.locator(".row.mine .tick.is-read").wait_for()
    shop.text("here I am")
    page.locator("#bubbles").get_by_text("here I am").wait_for()
    page.locator("#typing").wait_for(state="hidden")
