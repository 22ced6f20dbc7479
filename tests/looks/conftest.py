"""The pages as browsers get them: a real web process, a business in the middle of its day, Chromium."""

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    sync_playwright,
)

from tests.house import House
from tests.places import Place, Story

SIZES = {"phone": (360, 740), "desk": (1280, 800)}
_TELL = "from tests import story; print(story.tell().to_json())"


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("looks"), database="backroom_looks")
    try:
        house.manage("migrate", "--noinput", "-v0")
        house.manage("collectstatic", "--noinput", "-v0")
        house.start("redis", "web")
        yield house
    finally:
        house.stop()
        house.drop_database()


@pytest.fixture(scope="package")
def story(house: House) -> Story:
    return Story(**house.script(_TELL))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for one module: its driver keeps a loop in this thread for as long as it runs."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def contexts(browser: Browser) -> dict[str, BrowserContext]:
    """A browser's store for each person, filled as they go from page to page."""
    return {}


Visit = Callable[[Place], tuple[Page, list[str]]]


@pytest.fixture
def visit(
    browser: Browser, contexts: dict[str, BrowserContext], house: House, story: Story
) -> Iterator[Visit]:
    """Open a place as who may; return the page, and what there was to complain of on the way."""
    pages: list[Page] = []

    def go(place: Place) -> tuple[Page, list[str]]:
        if place.who not in contexts:
            contexts[place.who] = _context(browser, house, story, place.who)
        page, found = contexts[place.who].new_page(), list[str]()
        pages.append(page)
        _listen(page, house, found, may_miss=place.is_missing)
        answer = page.goto(house.url + place.at(story), wait_until="load")
        assert answer is not None and answer.status < 500
        assert answer.ok or place.is_missing, answer.status
        return page, found

    yield go
    for page in pages:
        page.close()


def _context(browser: Browser, house: House, story: Story, who: str) -> BrowserContext:
    context = browser.new_context(
        viewport={"width": SIZES["phone"][0], "height": SIZES["phone"][1]}, reduced_motion="reduce"
    )
    if who != "nobody":
        cookie = {"name": house.session_cookie, "value": story.sessions[who], "url": house.url}
        context.add_cookies([cookie])  # type: ignore[list-item]
    return context


def _listen(page: Page, house: House, found: list[str], *, may_miss: bool) -> None:
    """Note what the console complains of, and whoever else is asked for anything."""

    def complained(message: ConsoleMessage) -> None:
        if message.type == "error" and not (may_miss and "404" in message.text):
            found.append(f"console: {message.text}")

    def asked(request: Request) -> None:
        if not request.url.startswith((house.url, "data:")):
            found.append(f"another host: {request.url}")

    page.on("console", complained)
    page.on("request", asked)
    page.on("pageerror", lambda error: found.append(f"script: {error}"))
