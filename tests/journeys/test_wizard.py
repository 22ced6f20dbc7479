"""From an e-mail address to a bot that answers, on a small telephone, counted by hand."""

import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.house import House, wait_until

pytestmark = [
    pytest.mark.processes,
    pytest.mark.browser,
]
WHO = "mama@put.example"
# What a person's hand and eye take, beside what the machine does: Fitts, reading, typing on glass.
SECONDS_A_TOUCH, MOST_TOUCHES, MOST_SECONDS = 8, 25, 300


@dataclass
class Hand:
    """A person's finger: every touch and every field is counted."""

    page: Page
    touches: int = 0

    def press(self, what: Locator) -> None:
        self.touches += 1
        what.click()

    def fill(self, what: Locator, text: str) -> None:
        self.touches += 1
        what.fill(text)

    def choose(self, what: Locator, label: str) -> None:
        self.touches += 1
        what.select_option(label=label)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("wizard"), database="backroom_wizard")
    try:
        house.manage("migrate", "--noinput", "-v0")
        house.manage("collectstatic", "--noinput", "-v0")
        house.start("redis", "edge", "simulator", "web", "worker", "sender", "bulk", "beat")
        yield house
    finally:
        house.stop()
        house.drop_database()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield browser
        browser.close()


def telephone(browser: Browser, problems: list[str]) -> Page:
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.set_default_timeout(15_000)
    return page


def code_sent(house: House, *, after: int = 0) -> str:
    """Return the newest code that was sent, from the log."""

    def codes() -> list[str]:
        return re.findall(r"^\d{6}$", house.log("web"), re.M)[after:]

    wait_until(lambda: bool(codes()), "the code is sent", house, seconds=10)
    return codes()[-1]


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def test_a_newcomer_is_live_within_five_minutes(house: House, browser: Browser) -> None:
    problems: list[str] = []
    page = telephone(browser, problems)
    hand = Hand(page)
    began = time.monotonic()

    page.goto(f"{house.url}/accounts/signup/")
    hand.fill(page.locator("input[type=email]"), WHO)
    hand.press(button(page, "Send me a code"))
    hand.fill(page.get_by_label("Code"), code_sent(house))
    hand.press(button(page, "Confirm"))

    hand.fill(page.get_by_label("Name of your business"), "Mama Put Fabrics")
    hand.choose(page.get_by_label("What do you do?"), "Fashion and fabrics")
    hand.fill(page.get_by_label("City"), "Lagos")
    hand.press(button(page, "Go on"))

    hand.press(page.get_by_text("No number yet: pretend phone"))
    expect(page.locator(".stepper [data-state=done]")).to_have_count(2)

    hand.press(page.get_by_text("Nowhere yet: begin with examples"))
    expect(page.get_by_role("heading", name="Check before you add")).to_be_visible()
    hand.press(page.get_by_role("button", name=re.compile(r"^Add \d+ answers")))
    expect(page.locator("#go-on")).to_contain_text(re.compile(r"\d+ answers"))
    hand.press(page.locator("#go-on button"))

    # The telephone rings; it goes on at the shop's computer, where it was left.
    with browser.new_context(viewport={"width": 1280, "height": 800}) as shop:
        elsewhere = shop.new_page()
        elsewhere.goto(f"{house.url}/accounts/login/")
        elsewhere.locator("input[type=email]").fill(WHO)
        button(elsewhere, "Send me a code").click()
        elsewhere.get_by_label("Code").fill(code_sent(house, after=1))
        elsewhere.locator("main form button").first.click()
        elsewhere.wait_for_url("**/w/mama-put-fabrics/**")
        elsewhere.goto(f"{house.url}/w/mama-put-fabrics/setup/")
        expect(elsewhere).to_have_url(re.compile(r"/try/$"))
        expect(elsewhere.locator(".stepper [data-state=done]")).to_have_count(3)

    for _ in range(3):
        asked = page.locator(".bubble:not(.out)").count()
        if not page.locator(".asks button").first.is_visible():
            hand.press(page.get_by_text("Questions to try"))
        hand.press(page.locator(".asks button").nth(asked))
        expect(page.locator(".bubble:not(.out)")).to_have_count(asked + 1)
        expect(page.locator(".bubble.out")).to_have_count(asked + 1)
    hand.press(button(page, "Right").last)
    expect(page.locator("#go-on")).to_contain_text("3 questions tried")
    hand.press(page.locator("#go-on button"))

    hand.press(button(page, "Go live"))
    expect(page.get_by_role("heading", name="Your bot is live")).to_be_visible()
    with page.expect_popup() as opened:
        hand.press(page.get_by_role("link", name="Open the pretend phone"))
    phone = opened.value
    say(phone, "Hello")
    expect(page.locator("#hello .done")).to_have_count(3, timeout=20_000)
    hand.touches += 2
    hand.press(button(page, "To my home page"))
    expect(page.get_by_role("heading", name="Needs you")).to_be_visible()

    waited = time.monotonic() - began
    assert hand.touches <= MOST_TOUCHES, hand.touches
    assert hand.touches * SECONDS_A_TOUCH + waited < MOST_SECONDS
    assert not problems, problems


def say(phone: Page, text: str) -> None:
    """Write on the pretend phone."""
    field = phone.locator("#text")
    expect(phone.locator("#title")).to_have_text("Mama Put Fabrics")
    expect(phone.locator("#suggestions, #bubbles li").first).to_be_visible()
    field.fill(text)
    field.press("Enter")


def test_off_stops_answers_at_once(house: House, browser: Browser) -> None:
    problems: list[str] = []
    with browser.new_context(viewport={"width": 360, "height": 740}) as context:
        page = context.new_page()
        page.goto(f"{house.url}/accounts/login/")
        page.locator("input[type=email]").fill(WHO)
        button(page, "Send me a code").click()
        sent = len(re.findall(r"^\d{6}$", house.log("web"), re.M))
        wait_until(
            lambda: len(re.findall(r"^\d{6}$", house.log("web"), re.M)) >= sent, "a code", house
        )
        page.get_by_label("Code").fill(code_sent(house))
        page.locator("main form button").first.click()
        page.wait_for_url("**/w/mama-put-fabrics/**")
        phone = context.new_page()
        phone.goto(f"{house.simulator_url}/")

        button(page, "Off").click()
        expect(page.get_by_text("The bot is off")).to_be_visible()
        say(phone, "Do you deliver?")

        page.goto(f"{house.url}/w/mama-put-fabrics/conversations/?view=needs")
        expect(page.get_by_text("Do you deliver?").first).to_be_visible(timeout=25_000)
        answered = house.script(
            "from workspaces import registry, scope; from messaging.models import Message;"
            "w = registry.by_slug('mama-put-fabrics')\n"
            "with scope.workspace(w):\n"
            " asked = Message.objects.filter(text='Do you deliver?', direction='in').latest('pk')\n"
            " n = Message.objects.filter(answers=asked).count()\n"
            "print(n)"
        )
        assert answered == 0
    assert not problems, problems
