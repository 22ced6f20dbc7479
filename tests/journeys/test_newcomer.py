"""A newcomer in a browser: signs up, links the pretend phone, is answered, loses it, links it again."""

import re
import shutil
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.house import House, require_bridge, wait_until

pytestmark = [
    pytest.mark.processes,
    pytest.mark.browser,
]
WHO = "newcomer@shop.example"
# What the page must show within five seconds; the page itself looks every three.
WITHIN_MS = 5_000
_PATIENCE_MS = 15_000


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    require_bridge()
    house = House(tmp_path_factory.mktemp("newcomer"), database="backroom_newcomer")
    try:
        house.manage("migrate", "--noinput", "-v0")
        house.manage("collectstatic", "--noinput", "-v0")
        house.start(
            "redis", "edge", "whatsapp", "web", "worker", "sender", "bulk", "beat", "bridge"
        )
        yield house
    finally:
        house.stop()
        house.drop_database()


@pytest.fixture
def page() -> Iterator[Page]:
    """A small telephone's browser, which takes note of every error."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 360, "height": 740})
        problems: list[str] = []
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.set_default_timeout(_PATIENCE_MS)
        yield page
        browser.close()
    assert problems == []


def code_sent(house: House) -> str:
    """Return the code to sign up with, from the log, where the page says that it is."""

    def codes() -> list[str]:
        mail = house.log("web").rpartition(f"To: {WHO}")[2]
        return re.findall(r"^\d{6}$", mail, re.M)

    wait_until(lambda: bool(codes()), "the code is sent", house, seconds=10)
    return codes()[0]


def sign_up(page: Page, house: House) -> None:
    page.goto(f"{house.url}/accounts/signup/")
    page.locator("input[type=email]").fill(WHO)
    page.locator("main form button").first.click()
    page.get_by_label("Code").fill(code_sent(house))
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Name of your business").fill("Ada Fabrics")
    page.get_by_label("What do you do?").select_option(label="Fashion and fabrics")
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/w/ada-fabrics/**")


def scan(page: Page) -> None:
    """Press "Scan"; the page must say "Connected" within five seconds."""
    expect(page.locator("#attempt .chip")).to_have_text(
        "Waiting for the scan", timeout=_PATIENCE_MS
    )
    page.get_by_role("button", name="Scan", exact=True).click()
    expect(page.locator("#attempt .chip")).to_contain_text("Connected", timeout=WITHIN_MS)


def test_a_newcomer_links_the_pretend_phone_and_is_answered(page: Page, house: House) -> None:
    sign_up(page, house)
    page.get_by_text("WhatsApp is on another phone").click()
    page.get_by_label("I have read this").last.check()
    page.get_by_role("button", name="Show the QR code").click()
    expect(page.locator("#attempt .chip")).to_have_text("Waiting for the scan")
    # Left in the middle: the step says that something was begun, and leads back to it.
    page.goto(re.sub(r"(/w/[^/]+/).*", r"\1setup/", page.url))
    page.get_by_role("link", name="Go on linking").click()
    scan(page)

    # The page leads on by itself, and claims nothing that the bot does not do yet.
    expect(page.locator("#attempt .verdict")).to_contain_text("keeps quiet on it until you go live")
    expect(page.locator("#go-on button")).to_have_text("Go on")
    expect(page.locator("#steps [data-state=done]")).to_have_count(2)
    page.get_by_role("button", name="On", exact=True).click()
    expect(page.locator(".segments [aria-pressed=true]")).to_have_text("On")
    page.locator("#attempt").get_by_role("link", name="Try it").click()
    page.get_by_label("As Ngozi").fill("Do you deliver to Ikeja?")
    page.get_by_role("button", name="Send").first.click()
    expect(page.locator(".bubble.bot .who").first).to_have_text("Backroom")

    began = time.monotonic()
    page.get_by_role("button", name="Unlink on the phone").click()
    expect(page.get_by_text("Logged out").first).to_be_visible(timeout=WITHIN_MS)
    assert time.monotonic() - began < WITHIN_MS / 1000
    page.get_by_role("button", name="Link again").click()
    scan(page)
