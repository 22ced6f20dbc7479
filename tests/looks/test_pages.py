"""Every page: for everybody's eyes and fingers, at both sizes, by day and by night, from here only."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests import places
from tests.house import House
from tests.looks.conftest import SIZES, Opened
from tests.places import Place, Story

pytestmark = [pytest.mark.processes, pytest.mark.browser]
_GRAVE = ("serious", "critical")
# What a finger must hit: whatever acts, but for links in the middle of a sentence.
_SMALL = """() => [...document.querySelectorAll(
    'button, a.button, summary, select, textarea, nav a, input:not([type=hidden], [type=checkbox], [type=radio])')]
  .filter(e => e.checkVisibility({visibilityProperty: true}) && !e.closest('.unseen, .skip, svg'))
  .filter(e => { const box = e.getBoundingClientRect(); return box.width > 1 && box.height < 43.5; })
  .map(e => e.outerHTML.slice(0, 120))"""
_WIDE = """() => document.documentElement.scrollWidth - window.innerWidth"""
# Marks everything that acts and can be seen; the keyboard must come past each.
_ACTING = """() => { let n = 0;
  for (const e of document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')) {
    if (e.disabled || !e.checkVisibility({visibilityProperty: true}) || e.closest('[inert]')) continue;
    if (e.type === 'radio' && !e.checked && document.querySelector(`input[name="${e.name}"]:checked`)) continue;
    e.dataset.stop = n++;
  } return n; }"""
_STOP = "() => document.activeElement?.dataset?.stop ?? ''"


@pytest.mark.parametrize("place", places.ALL, ids=lambda place: place.name)
def test_a_page_is_fit_for_everybody(
    place: Place, opened: Opened, house: House, story: Story
) -> None:
    found: list[str] = []
    for size in SIZES:
        for is_dark in (False, True):
            with opened(place.who, size, is_dark=is_dark) as context:
                page = context.new_page()
                view = f"{size} {'dark' if is_dark else 'light'}"
                _listen(page, house, found, may_miss=place.is_missing)
                answer = page.goto(house.url + place.at(story), wait_until="load")
                assert answer is not None and answer.status < 500
                found += [f"{view}: {said}" for said in _faults(page, is_whole=not is_dark)]

    assert not found, "\n".join(found)


def _faults(page: Page, *, is_whole: bool) -> list[str]:
    faults = [
        f"{one['id']} ({one['impact']}): {node['html'][:160]} {_why(node)}"
        for one in Axe().run(page).response["violations"]
        if one["impact"] in _GRAVE
        for node in one["nodes"]
    ]
    if is_whole:  # colours do not change sizes
        if (over := page.evaluate(_WIDE)) > 0:
            faults.append(f"{over} px too wide")
        faults += [f"smaller than a finger: {one}" for one in page.evaluate(_SMALL)]
    return faults


def _why(node: dict[str, Any]) -> str:
    return str((node.get("any") or node.get("all") or [{}])[0].get("message", ""))[:140]


def _listen(page: Page, house: House, found: list[str], *, may_miss: bool) -> None:
    """Note what the console complains of, and whoever else is asked for anything."""

    def complained(message: Any) -> None:
        if message.type == "error" and not (may_miss and "404" in message.text):
            found.append(f"console: {message.text}")

    def asked(request: Any) -> None:
        if not request.url.startswith((house.url, "data:")):
            found.append(f"another host: {request.url}")

    page.on("console", complained)
    page.on("request", asked)
    page.on("pageerror", lambda error: found.append(f"script: {error}"))


@pytest.mark.parametrize("place", places.ALL, ids=lambda place: place.name)
def test_everything_that_acts_is_reached_by_keyboard(
    place: Place, opened: Opened, house: House, story: Story
) -> None:
    with opened(place.who, "desk") as context:
        page = context.new_page()
        page.goto(house.url + place.at(story), wait_until="load")
        count = page.evaluate(_ACTING)
        page.evaluate("document.activeElement?.blur()")
        reached = set()
        for _ in range(count + 8):
            page.keyboard.press("Tab")
            reached.add(page.evaluate(_STOP))

        missed = [
            page.evaluate(f"document.querySelector('[data-stop=\"{n}\"]')?.outerHTML.slice(0, 120)")
            for n in range(count)
            if str(n) not in reached
        ]
        assert missed == []
