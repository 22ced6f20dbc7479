"""Linking a phone in a real browser, on a desk and on a small telephone, with a played engine."""

import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.db import connections
from django.test import Client
from django.test.testcases import LiveServerThread
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from connections.models import Connection
from lib import clock
from tests.pages.engine import QR, Engine
from workspaces import schemas, scope
from workspaces.models import User, Workspace

T = TypeVar("T")
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.browser,
    pytest.mark.processes,
]
SIZES = {"desk": (1280, 800), "telephone": (360, 740)}


class Aside:
    """Does what asks the database, in a thread: the browser's driver keeps a loop in this one."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool

    def __call__(self, work: Callable[..., T], *values: object, **named: object) -> T:
        return self._pool.submit(work, *values, **named).result()


@pytest.fixture
def aside(db: None) -> Iterator[Aside]:
    with ThreadPoolExecutor(1) as pool:
        yield Aside(pool)
        pool.submit(connections.close_all).result()


@dataclass
class Shop:
    """A workspace with committed rows, and its owner's session."""

    space: Workspace
    owner: User
    cookies: list[tuple[str, str]]


@pytest.fixture
def shop(aside: Aside) -> Iterator[Shop]:
    made = aside(_open)
    yield made
    aside(_close, made)


def _open() -> Shop:
    with scope.system():
        owner = User.objects.create_user(f"{secrets.token_hex(4)}@shop.example", "a-password-1")
    slug = f"shop-{secrets.token_hex(4)}"
    space = schemas.create(
        name="Mama Put Fabrics", slug=slug, country="NG", owner=owner, now=clock.now()
    )
    client = Client()
    client.force_login(owner, "allauth.account.auth_backends.AuthenticationBackend")
    return Shop(space, owner, [(c.key, c.value) for c in client.cookies.values()])


def _close(shop: Shop) -> None:
    schemas.delete(workspace=shop.space, now=clock.now())
    with scope.owner():
        shop.owner.delete()


@pytest.fixture
def url(settings: Any) -> Iterator[str]:
    """A server of the pages, in threads of this process."""
    server = LiveServerThread("127.0.0.1", StaticFilesHandler)
    server.daemon = True
    server.start()
    server.is_ready.wait()
    assert server.error is None
    address = f"http://127.0.0.1:{server.port}"
    settings.BASE_URL = address
    settings.ALLOWED_HOSTS = ["*"]
    settings.BRIDGE_SECRET = "a-secret-of-the-engines"
    settings.FAKE_WHATSAPP_URL = "http://127.0.0.1:9"  # nobody listens there
    yield address
    server.terminate()


@pytest.fixture
def browser(aside: Aside) -> Iterator[Browser]:
    """A browser that begins after the test's transaction, and ends before it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@pytest.fixture(params=list(SIZES))
def context(
    browser: Browser, shop: Shop, url: str, request: pytest.FixtureRequest
) -> Iterator[BrowserContext]:
    """A browser of the owner, signed in."""
    width, height = SIZES[request.param]
    context = browser.new_context(viewport={"width": width, "height": height})
    context.add_cookies(
        [{"name": name, "value": value, "url": url} for name, value in shop.cookies]
    )
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.set_default_timeout(8_000)
    yield page
    assert problems == []


def begun(space: Workspace) -> Engine:
    """Return the engine of the phone whose link has been begun."""
    with scope.workspace(space):
        return Engine(space, Connection.objects.get(provider="linked_device"))


def wait_for_scripts(page: Page) -> None:
    """Return when the page's scripts are there, which come after it.

    (`wait_for_function` asks a second time by the page's `eval`, which the pages' policy refuses.)
    """
    deadline = time.monotonic() + 8
    while not page.evaluate("'htmx' in window"):
        assert time.monotonic() < deadline, "htmx did not come"
        page.wait_for_timeout(20)


def fits(page: Page) -> None:
    assert page.viewport_size
    page.wait_for_load_state("load")  # without its style sheet every control is small
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    small = page.evaluate(
        """[...document.querySelectorAll('main :is(button, a.button, summary, input:not([type=hidden], [type=checkbox]))')]
        .filter(e => e.offsetParent && e.getBoundingClientRect().height < 43.5)
        .map(e => e.outerHTML.slice(0, 80))"""
    )
    assert small == []


def test_a_phone_is_linked_lost_and_linked_again(
    page: Page, browser: Browser, shop: Shop, aside: Aside, url: str
) -> None:
    page.goto(f"{url}/w/{shop.space.slug}/connections/")
    page.get_by_role("link", name="Connect WhatsApp").first.click()
    page.get_by_text("WhatsApp is on another phone").click()
    page.get_by_label("I have read this").last.check()
    fits(page)
    page.get_by_role("button", name="Show the QR code").click()
    expect(page.locator("#attempt .chip")).to_have_text("Getting a code from WhatsApp")
    engine = aside(begun, shop.space)

    aside(engine.show)
    expect(page.locator("#attempt .chip")).to_have_text("Waiting for the scan", timeout=5_000)
    fits(page)
    code = page.locator(".qr")
    left = int(page.locator("[data-left]").inner_text())
    drawing = code.inner_html()
    page.get_by_role("button", name="Make a link").click()
    address = page.locator("#screen-url").input_value()
    fits(page)

    with browser.new_context() as stranger:
        screen = stranger.new_page()
        screen.goto(address)
        assert screen.locator(".qr").count() == 0
        screen.get_by_role("button", name="Show it here").click()
        assert screen.locator(".qr").inner_html() == drawing
        with browser.new_context() as another:
            second = another.new_page()
            second.goto(address)
            second.get_by_role("button", name="Show it here").click()
            expect(second.get_by_text("opened in another browser")).to_be_visible()

        aside(engine.show, QR + "second", seconds=20)
        expect(page.locator(".qr")).not_to_have_js_property("innerHTML", drawing)
        assert int(page.locator("[data-left]").inner_text()) <= 20 < left
        assert page.locator("#screen-url").input_value() == address, "the link stays"
        aside(engine.scanned)
        expect(page.locator("#attempt .chip")).to_have_text("Scanned, checking", timeout=5_000)
        aside(engine.open, "+2348095550142")
        expect(screen.get_by_text("The phone is linked")).to_be_visible(timeout=6_000)
    expect(page.locator("#attempt .chip")).to_have_text("Connected +234 809 555 0142")
    expect(page.get_by_role("link", name="Try it")).to_be_visible()

    page.get_by_role("link", name="See the number").click()
    expect(page.get_by_role("heading", name="Ban risk")).to_be_visible()
    fits(page)
    aside(engine.tell, "logged_out", reason="unlinked", code="401")
    expect(page.locator(".head .chip")).to_have_text("Logged out", timeout=5_000)
    page.get_by_role("button", name="Link again").click()
    expect(page.locator("#attempt .chip")).to_have_text("Getting a code from WhatsApp")
    assert aside(lambda: engine.session.link_serial) == 2


def test_a_poll_keeps_the_code_and_what_is_being_typed(
    page: Page, shop: Shop, aside: Aside, url: str
) -> None:
    page.goto(f"{url}/w/{shop.space.slug}/connections/connect/")
    page.get_by_text("WhatsApp is on another phone").click()
    page.get_by_label("I have read this").last.check()
    page.get_by_role("button", name="Show the QR code").click()
    page.wait_for_selector("#attempt")
    engine = aside(begun, shop.space)
    aside(engine.show)
    page.wait_for_selector(".qr")
    page.evaluate("document.querySelector('.qr').dataset.same = 'yes'")
    page.get_by_text("Use a code instead").click()
    page.fill("[name=phone]", "0803 555")

    with page.expect_response(lambda r: "mark=" in r.url and r.status == 204):
        pass
    aside(engine.show, QR + "second")
    page.wait_for_selector(".qr:not([data-same])")

    assert page.input_value("[name=phone]") == "0803 555"
    fits(page)
