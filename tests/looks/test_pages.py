"""Every page: for everybody's eyes and fingers, at both sizes, by day and by night, from here only."""

from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests import places
from tests.looks.conftest import SIZES, Visit
from tests.places import Place

pytestmark = [pytest.mark.processes, pytest.mark.browser]
_GRAVE = ("serious", "critical")
# What a finger must hit: whatever acts, but for links in the middle of a sentence.
_SMALL = """() => [...document.querySelectorAll(
    'button, a.button, summary, select, textarea, nav a, input:not([type=hidden], [type=checkbox], [type=radio])')]
  .filter(e => e.checkVisibility({visibilityProperty: true}) && !e.closest('.unseen, .skip, svg'))
  .filter(e => { const box = e.getBoundingClientRect(); return box.width > 1 && box.height < 43.5; })
  .map(e => e.outerHTML.slice(0, 120))"""
_WIDE = """() => document.documentElement.scrollWidth - window.innerWidth"""
# The steps' names stand side by side, however small the telephone.
_CRAMPED = """() => { const names = [...document.querySelectorAll('.stepper a > span:last-child')]
    .map(e => { const range = document.createRange(); range.selectNodeContents(e); return range.getBoundingClientRect(); });
  return names.filter((box, n) => n && box.left < names[n - 1].right).length; }"""
# Marks everything that acts and can be seen; the keyboard must come past each.
_ACTING = """() => { let n = 0;
  for (const e of document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')) {
    if (e.matches(':disabled') || !e.checkVisibility({visibilityProperty: true}) || e.closest('[inert]')) continue;
    if (e.type === 'radio' && !e.checked && document.querySelector(`input[name="${e.name}"]:checked`)) continue;
    e.dataset.stop = n++;
  }
  window.reached = new Set();
  document.addEventListener('focusin', event => reached.add(event.target));
  document.activeElement?.blur(); return n; }"""
_MISSED = """() => [...document.querySelectorAll('[data-stop]')]
  .filter(e => !reached.has(e)).map(e => e.outerHTML.slice(0, 120))"""
_JUDGE = (
    """rules => axe.run(document, {resultTypes: ['violations'], ...(rules && {runOnly: rules})})"""
)


@pytest.mark.parametrize("place", places.ALL, ids=lambda place: place.name)
def test_a_page_is_fit_for_everybody(place: Place, visit: Visit) -> None:
    page, found = visit(place)
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            faults = _graves(page, is_whole=scheme == "light")
            # Colours do not change sizes.
            faults += _misfits(page) if scheme == "light" else []
            found += [f"{size} {scheme}: {fault}" for fault in faults]

    assert not found, "\n".join(found)


def _graves(page: Page, *, is_whole: bool) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    answer = page.evaluate(_JUDGE, None if is_whole else ["color-contrast", "link-in-text-block"])
    return [
        f"{one['id']} ({one['impact']}): {node['html'][:160]} {_why(node)}"
        for one in answer["violations"]
        if one["impact"] in _GRAVE
        for node in one["nodes"]
    ]


def _misfits(page: Page) -> list[str]:
    over = page.evaluate(_WIDE)
    small = [f"smaller than a finger: {one}" for one in page.evaluate(_SMALL)]
    cramped = page.evaluate(_CRAMPED)
    return [
        *small,
        *([f"{over} px too wide"] if over > 0 else []),
        *([f"{cramped} steps' names run into others"] if cramped else []),
    ]


def _why(node: dict[str, Any]) -> str:
    return str((node.get("any") or node.get("all") or [{}])[0].get("message", ""))[:140]


@pytest.mark.parametrize("place", places.ALL, ids=lambda place: place.name)
def test_everything_that_acts_is_reached_by_keyboard(place: Place, visit: Visit) -> None:
    page, _ = visit(place)
    # A poll may bring a part of the page anew, without the marks that are set below.
    page.route("**/conversations/live/**", lambda route: route.fulfill(status=204))
    width, height = SIZES["desk"]
    page.set_viewport_size({"width": width, "height": height})
    presses = page.evaluate(_ACTING) + 8
    missed: list[str] = []
    # What comes in meanwhile (the list beside a thread) has stops of its own: go round once more.
    for _ in range(6):
        for _ in range(presses):
            page.keyboard.press("Tab")
        if not (missed := page.evaluate(_MISSED)):
            break

    assert missed == []
