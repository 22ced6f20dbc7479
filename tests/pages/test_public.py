"""Pages for everybody: fast, honest, the same for all, and without a word of a customer."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import brotli  # type: ignore[import-untyped]
import pytest
from django.conf import settings
from django.db import DatabaseError
from django.test import Client

from billing.models import Plan
from connections import condition as ways
from lib import clock
from messaging import condition, waiting
from messaging.views import status
from tests.conftest import NOW
from tests.pages.conftest import HTMX, Shop
from workspaces import helping, public, scope
from workspaces.models import StatusDay, Workspace

pytestmark = pytest.mark.django_db
PAGES = [f"/{path}" for path in public.OPEN_PATHS]


@pytest.fixture(autouse=True)
def _fresh_status() -> None:
    status.forget()


@pytest.mark.parametrize("path", PAGES)
def test_it_opens_for_anybody_and_may_be_found(path: str, stranger: Client) -> None:
    page = Client().get(path)

    assert page.status_code == 200 and page.text.count("<h1") == 1
    assert "noindex" not in page.text and '<meta name="description"' in page.text
    assert not page.cookies, "no cookie before one signs in"
    for target in ("/pricing/", "/help/", "/status/", "/terms/", "/privacy/"):
        assert f'href="{target}"' in page.text
    assert path == "/" or stranger.get(path).status_code == 200
    assert Client().post(path).status_code == 405


@pytest.mark.parametrize("path", [p for p in PAGES if p != "/"])
def test_it_is_the_same_for_everybody_and_may_be_kept(path: str, owner: Client) -> None:
    page = owner.get(path)

    assert page.headers["Cache-Control"].startswith("public, max-age=")
    assert "Cookie" not in page.headers.get("Vary", "")
    assert "acme" not in page.text.lower()


@pytest.mark.parametrize("path", PAGES)
def test_it_is_light(path: str) -> None:
    page = Client().get(path)
    scripts = re.findall(r'<script[^>]* src="([^"]+)"', page.text)

    assert len(brotli.compress(page.content, quality=5)) < 10 * 1024
    sheet = len(brotli.compress((Path(settings.BASE_DIR) / "static/css/app.css").read_bytes()))
    assert sheet + len(brotli.compress(page.content)) + 16 * 1024 * len(scripts) < 30 * 1024
    assert path == "/pricing/" or not scripts, "works without any script"


def test_the_times_of_keeping_are_those_that_hold(settings: Any) -> None:
    settings.RETENTION_DAYS = {**settings.RETENTION_DAYS, "trace": 77, "ai_calls": 0}

    page = Client().get("/privacy/").text

    assert "77 days" in page and "90 days" not in page
    assert re.search(r"language model was asked[^\n]*as long as the workspace exists", page)
    assert "Last changed on 29 November 2026" in page


def test_the_model_is_named_only_where_there_is_one(settings: Any) -> None:
    settings.AI_ROUTES = {"fast": "", "smart": "", "backup": ""}
    without = Client().get("/data-processing/").text
    settings.AI_ROUTES = {"fast": "openai/x", "smart": "", "backup": ""}

    assert "maker of the language model" not in without
    assert "maker of the language model" in Client().get("/data-processing/").text


def test_plans_stand_there_as_they_are_offered() -> None:
    with scope.system():
        Plan.objects.filter(code="starter").update(price_minor=1_234_550)
        Plan.objects.create(code="old", name="Old Gold", price_minor=5, is_offered=False)

    page = Client().get("/pricing/").text

    assert "₦12,345.50" in page and "50 replies a day" in page and "200 replies a day" in page
    assert "Old Gold" not in page


@pytest.mark.parametrize(
    ("chats", "messages", "said"),
    [
        ("16", "3", "Free is enough"),
        ("30", "3", "Starter is enough: ₦15,000 a month"),
        ("67", "3", "Pro is enough: ₦45,000 a month"),
        ("0", "3", "Free is enough"),
        ("100000", "100000", "Pro is enough"),
    ],
)
def test_the_calculator_names_the_cheapest_plan_that_is_enough(
    chats: str, messages: str, said: str
) -> None:
    asked = {"chats": chats, "messages": messages}

    assert said in Client().get("/pricing/", asked).text
    part = Client().get("/pricing/", asked, headers=HTMX)
    assert said in part.text and "<html" not in part.text


@pytest.mark.parametrize("wrong", ["", "x", "-1", "1e9", "9" * 40, "\x00", "<b>", "1.5"])
def test_the_calculator_takes_whole_numbers_only(wrong: str) -> None:
    page = Client().get("/pricing/", {"chats": wrong})

    assert page.status_code == 422 and "whole numbers" in page.text and "<b>&" not in page.text


def test_help_is_searched_and_each_topic_has_a_link_of_its_own() -> None:
    everything = Client().get("/help/").text
    found = Client().get("/help/?q=LOGGED+out").text
    opened = Client().get("/help/?open=import").text

    assert len({topic.slug for topic in helping.TOPICS}) == len(helping.TOPICS)
    for topic in helping.TOPICS:
        assert f'id="{topic.slug}"' in everything and f"?open={topic.slug}#" in everything
    assert found.count("<details") == 1 and 'id="states"' in found
    assert opened.count('<details class="fold" open>') == 1
    nothing = Client().get("/help/", {"q": "<script>\x00"})
    assert "Nothing found" in nothing.text and "<script>" not in nothing.text


def test_where_to_write_is_said_when_it_is_known(settings: Any) -> None:
    settings.SUPPORT_EMAIL = "help@backroom.example"

    assert "mailto:help@backroom.example" in Client().get("/help/").text
    assert "mailto:help@backroom.example" in Client().get("/privacy/").text


def test_every_state_of_a_number_is_explained() -> None:
    from connections.models import Connection

    states = next(topic for topic in helping.TOPICS if topic.slug == "states")

    assert {str(name) for name, _ in states.facts} == {
        str(label) for label in Connection.State.labels
    }


def test_robots_and_the_map_name_what_is_open_and_nothing_else() -> None:
    robots, places = Client().get("/robots.txt"), Client().get("/sitemap.xml")

    assert robots.headers["Content-Type"] == "text/plain"
    assert "Disallow: /\n" in robots.text and "/w/" not in robots.text
    assert places.text.count("<loc>") == len(PAGES) and "/w/" not in places.text


def test_pages_of_a_workspace_stay_out_of_search(shop: Shop, owner: Client) -> None:
    assert '<meta name="robots" content="noindex">' in owner.get("/w/acme/usage/").text
    assert '<meta name="robots" content="noindex">' in Client().get("/accounts/login/").text


# --- Status --------------------------------------------------------------------------------------


def states() -> dict[str, str]:
    return {part.code: part.state for part in condition.look(now=clock.now())}


def test_all_is_well_while_nothing_waits(acme: Workspace) -> None:
    assert set(states().values()) == {"well"}
    assert "Everything works." in Client().get("/status/").text


@pytest.mark.parametrize(("age", "state"), [(59, "well"), (61, "trouble"), (601, "down")])
def test_what_waits_long_is_slow_then_down(
    age: int, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    queues = {"messages": age, "news": None, "models": None, "sends": age}
    monkeypatch.setattr(waiting, "ages", lambda **_: waiting.Ages(age, queues))

    assert states()["answers"] == states()["sending"] == state


def test_sends_that_nobody_took_are_seen(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from connections.models import OutboundJob

    with scope.workspace(shop.space):
        for n in range(4):
            OutboundJob.objects.create(
                workspace=shop.space, connection=shop.number, key=f"k{n}", kind="text",
                conversation_key="c", payload={}, state="failed", error_code="unreachable",
                created_at=clock.now(), due_at=clock.now(),
            )  # fmt: skip

    assert states()["cloud_api"] == "down"
    assert "A part of Backroom is down." in Client().get("/status/").text


@pytest.mark.parametrize(
    ("way", "state"),
    [
        (ways.Way(lines=4, down=4), "down"),
        (ways.Way(lines=4, down=2), "trouble"),
        (ways.Way(lines=4, down=1), "well"),
        (ways.Way(), "well"),
        (ways.Way(accepted=5, lost=3), "trouble"),
    ],
)
def test_linked_phones_are_in_trouble_when_our_side_loses_them(
    way: ways.Way, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ways, "ways", lambda **_: {"linked_device": way})

    assert states()["linked"] == state


def test_without_a_database_it_says_so_and_does_not_break(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise DatabaseError("connection refused at 10.0.0.1")

    monkeypatch.setattr(scope, "system", away)
    page = Client().get("/status/")

    assert page.status_code == 200 and "A part of Backroom is down." in page.text
    assert "Not measured" in page.text and "10.0.0.1" not in page.text


def test_each_look_is_tallied_and_old_days_go(monkeypatch: pytest.MonkeyPatch) -> None:
    with scope.system():
        StatusDay.objects.create(day=(NOW - timedelta(days=200)).date(), part="answers", looked=1)
    condition.record(now=NOW)
    monkeypatch.setattr(
        waiting, "ages", lambda **_: waiting.Ages(99, dict.fromkeys(("sends", "messages")))
    )
    condition.record(now=NOW)

    with scope.system():
        tally = dict(StatusDay.objects.values_list("part", "troubled"))
        assert set(StatusDay.objects.values_list("looked", flat=True)) == {2}
    assert tally["answers"] == 1 and tally["sending"] == 0


def test_bars_are_drawn_of_what_was_recorded_only() -> None:
    now = clock.now()
    empty = Client().get("/status/").text
    with scope.system():
        StatusDay.objects.create(day=now.date(), part="answers", looked=1_000, troubled=10)
    status.forget()

    page = Client().get("/status/").text

    assert 'class="days"' not in empty and "once they have been measured" in empty
    assert page.count('<svg class="days"') == 1 and page.count('class="trouble"') == 1
    assert "99.00%" in page and page.count('class="unknown"') == 89


def test_the_house_is_looked_at_once_in_a_while_however_often_one_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: list[datetime] = []

    def look(*, now: datetime) -> list[condition.Part]:
        looks.append(now)
        return []

    monkeypatch.setattr(condition, "page", look)

    for _ in range(5):
        Client().get("/status/")

    assert len(looks) == 1


def test_the_status_page_tells_nothing_of_anybody(shop: Shop) -> None:
    page = Client().get("/status/").text

    for word in ("Ngozi", "803 123", "acme", "Acme", "wamid"):
        assert word not in page
