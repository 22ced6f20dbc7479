"""The pages as browsers get them: a real web process, a business in the middle of its day, Chromium."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from config.local.bridge_tests import is_ci
from tests.house import House
from tests.places import Story

SIZES = {"phone": (360, 740), "desk": (1280, 800)}
_TELL = "from tests import story; print(story.tell().to_json())"


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    if shutil.which("chromium") is None:
        said = "LOUD: no Chromium here, so nothing is known of how the pages look"
        (pytest.fail if is_ci(os.environ) else pytest.skip)(said)
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


Opened = Callable[..., BrowserContext]


@pytest.fixture
def opened(browser: Browser, house: House, story: Story) -> Iterator[Opened]:
    """Open a browser of somebody of the story, at a size, by day or by night."""
    contexts: list[BrowserContext] = []

    def open_for(
        who: str, size: str = "phone", *, is_dark: bool = False, has_script: bool = True
    ) -> BrowserContext:
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if is_dark else "light",
            reduced_motion="reduce",
            java_script_enabled=has_script,
        )
        if who != "nobody":
            cookie = {"name": house.session_cookie, "value": story.sessions[who], "url": house.url}
            context.add_cookies([cookie])  # type: ignore[list-item]
        contexts.append(context)
        return context

    yield open_for
    for context in contexts:
        context.close()
