"""What a telephone on 3G must fetch, in compressed bytes as they go over the wire."""

import re
import urllib.request

import pytest

from tests import places
from tests.house import House
from tests.places import Place, Story

pytestmark = pytest.mark.processes
KB = 1024
FIRST, LATER, STYLE, SCRIPT = 30 * KB, 10 * KB, 10 * KB, 20 * KB
# Where people come in: with nothing in the browser's store yet.
ENTRIES = ("landing", "sign-up", "sign-in", "home", "inbox", "thread", "setup-number", "setup-live")
# Shows every part on one page, to staff.
UNWEIGHED = ("style-guide",)


def packed(url: str, *, encoding: str = "gzip", cookie: str = "") -> tuple[int, str]:
    """Return how many bytes of body came, and the text when it was not packed."""
    headers = {"Accept-Encoding": encoding, "Cookie": cookie}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as answer:
        body = answer.read()
        is_plain = not answer.headers.get("Content-Encoding")
    return len(body), body.decode(errors="replace") if is_plain else ""


def page(house: House, story: Story, place: Place, *, encoding: str = "gzip") -> tuple[int, str]:
    cookie = f"{house.session_cookie}={story.sessions[place.who]}" if place.who != "nobody" else ""
    return packed(house.url + place.at(story), encoding=encoding, cookie=cookie)


def files(html: str, pattern: str) -> list[str]:
    """Return the addresses of the files that a page asks for."""
    return re.findall(pattern, html)


_SHEETS = r'<link rel="stylesheet" href="([^"]+)"'
_SCRIPTS = r'<script src="([^"]+)"'
_PICTURES = r'<link rel="icon" href="([^"]+)"'
_WEIGHED = [one for one in places.ALL if one.name not in UNWEIGHED and not one.is_missing]


@pytest.mark.parametrize("place", _WEIGHED, ids=lambda place: place.name)
def test_a_page_is_light(house: House, story: Story, place: Place) -> None:
    weight, _ = page(house, story, place)

    assert weight <= LATER


@pytest.mark.parametrize("name", ENTRIES)
def test_the_first_page_is_light_with_all_it_asks_for(
    house: House, story: Story, name: str
) -> None:
    place = next(one for one in places.ALL if one.name == name)
    weight, _ = page(house, story, place)
    _, html = page(house, story, place, encoding="identity")
    weights = {
        kind: sum(packed(house.url + path, encoding="br")[0] for path in files(html, pattern))
        for kind, pattern in (("style", _SHEETS), ("script", _SCRIPTS), ("picture", _PICTURES))
    }

    assert weights["style"] <= STYLE and weights["script"] <= SCRIPT
    assert weight + sum(weights.values()) <= FIRST, (weight, weights)
