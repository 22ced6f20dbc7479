"""The style's rules: small, strict, and nothing from elsewhere."""

import base64
import hashlib
import re
from pathlib import Path

import brotli  # type: ignore[import-untyped]
import pytest
from django.conf import settings
from django.test import Client

from tests.pages.conftest import Shop

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


def packed(path: str) -> int:
    return len(brotli.compress((ROOT / path).read_bytes(), quality=11))


def test_the_style_sheet_stays_small() -> None:
    assert packed("static/css/app.css") <= 9 * 1024


def test_the_script_stays_small() -> None:
    assert packed("static/js/app.js") <= 2 * 1024


def test_the_style_sheet_has_its_four_layers_and_loads_nothing() -> None:
    text = (ROOT / "static/css/app.css").read_text()

    assert "@layer tokens, base, parts, pages;" in text
    assert "url(" not in text and "@import" not in text


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_templates_keep_to_the_content_security_policy(path: Path) -> None:
    text = path.read_text().replace("<script>{% loader %}</script>", "")

    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|hx-on|hx-vals=.js:", text)
    for script in re.findall(r"<script[^>]*>", text):
        assert " src=" in script, script
    assert not re.search(r"""(?:src|href|action)=["']https?://""", text)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    [
        "",
        "conversations/",
        "faqs/",
        "connections/",
        "connections/add/",
        "usage/",
        "try/",
        "quality/",
        "quality/questions/",
        "quality/answers/",
        "settings/bot/",
    ],
)
def test_pages_are_small_and_whole_without_script(shop: Shop, owner: Client, path: str) -> None:
    page = owner.get(f"/w/acme/{path}")

    assert len(brotli.compress(page.content, quality=5)) < 10 * 1024
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    for form in re.findall(r"<form[^>]*>", page.text):
        assert "action=" in form or 'hx-trigger="load"' in form, form
    for link in re.findall(r"<a [^>]*>", page.text):
        assert "href=" in link, link
    assert page.text.count("<h1") >= 1


@pytest.mark.django_db
def test_the_policy_knows_the_one_script_that_stands_in_a_page(shop: Shop, owner: Client) -> None:
    page = owner.get("/w/acme/")

    [script] = re.findall(r"<script>(.*?)</script>", page.text)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}';" in page.headers["Content-Security-Policy"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]
