"""The API's page in a real browser, on a desk and on a small telephone."""

import shutil
import threading
from collections.abc import Iterator
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.wsgi import get_wsgi_application
from playwright.sync_api import sync_playwright

from connections.api import schema

pytestmark = [
    pytest.mark.browser,
]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    """The pages and their files; the page for everybody asks no database."""
    application = StaticFilesHandler(get_wsgi_application())
    with make_server("127.0.0.1", 0, application, _Server, _Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/api/docs/"
        server.shutdown()


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (360, 740)])
def test_the_page_fits_and_nothing_on_it_is_refused(url: str, width: int, height: int) -> None:
    problems: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": width, "height": height})
        page.on("console", lambda said: problems.append(said.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(url)

        assert page.evaluate("document.documentElement.scrollWidth") <= width
        look = "getComputedStyle(document.querySelector('.sample')).borderRadius"
        assert page.evaluate(look) != "0px"
        for each in schema.OPERATIONS:
            page.click(f"nav a[href='#{each.name}']")
            page.locator(f"#{each.name} h2").wait_for()
        page.click("#connect summary")
        page.get_by_text('"status": "connecting"').first.wait_for()
        browser.close()
    assert problems == []
