"""The switch in every header, and the page of how the bot behaves."""

import re
from typing import Any

import pytest
from django.test import Client

from lib import clock
from messaging import bot, hours, versions
from messaging.models import BotSettings, TestPhone
from tests.pages.conftest import HTMX, Shop
from workspaces import scope
from workspaces.models import AuditEntry, User

pytestmark = pytest.mark.django_db
PAGE = "/w/acme/settings/bot/"
SWITCH = "/w/acme/bot/switch/"


def typed(**changes: Any) -> dict[str, Any]:
    """What the page's form sends when nothing was changed, and these were."""
    return {
        "name": "", "language": "en", "disclosure": "no", "greeting": "", "handover_text": "",
        "preset": "mon-sat", "outside": "answer", "away_text": "", "unsure": "menu",
        "manner": "balanced", "handover_words": "", "off_limits": "", "handback_minutes": "120",
        **changes,
    }  # fmt: skip


def mode(shop: Shop) -> str:
    with scope.workspace(shop.space):
        return BotSettings.objects.get().mode


def live(shop: Shop) -> BotSettings:
    with scope.workspace(shop.space):
        return bot.settings_of()


# --- The switch --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "conversations/", "faqs/", "usage/", "settings/bot/"])
def test_every_header_has_the_three_buttons(shop: Shop, owner: Client, path: str) -> None:
    page = owner.get(f"/w/acme/{path}").text

    assert re.findall(r'name="mode" value="(\w+)"[^>]*aria-pressed="(\w+)"', page) == [
        ("on", "true"), ("test", "false"), ("off", "false"),
    ]  # fmt: skip
    assert f'name="next" value="/w/acme/{path}"' in page
    assert 'href="/w/acme/connections/"' in page and "Connected" in page


def test_who_may_not_switch_sees_the_state(shop: Shop, agent: Client, viewer: Client) -> None:
    for client in (agent, viewer):
        page = client.get("/w/acme/conversations/").text
        assert "Bot on" in page and 'name="mode"' not in page


def test_a_tap_switches_and_comes_back_to_the_page(shop: Shop, owner: Client) -> None:
    done = owner.post(SWITCH, {"mode": "off", "next": "/w/acme/faqs/?q=x"}, follow=True)

    assert done.redirect_chain == [("/w/acme/faqs/?q=x", 302)]
    assert "The bot is off. Messages wait for your team." in done.text
    undo = re.search(r'<form method="post" action="/w/acme/bot/switch/">.*?Undo', done.text, re.S)
    assert undo and 'name="mode" value="on"' in undo[0]
    assert mode(shop) == "off"
    assert "Undo" not in owner.post(SWITCH, {"mode": "off"}, follow=True).text  # it was so


@pytest.mark.parametrize(
    "next_page",
    ["https://evil.example/w/acme/", "//evil.example/", "/w/rival/", "/accounts/logout/", "", "\x00",
     "javascript:alert(1)", "/w/acme/" + "x" * 3_000, "/w/acme\\@evil.example/"],
)  # fmt: skip
def test_it_leads_nowhere_else(shop: Shop, owner: Client, next_page: str) -> None:
    answer = owner.post(SWITCH, {"mode": "test", "next": next_page})

    assert (answer.status_code, answer.headers["location"]) == (302, "/w/acme/")


def test_with_htmx_the_header_alone_is_answered(shop: Shop, owner: Client) -> None:
    part = owner.post(SWITCH, {"mode": "test", "next": "/w/acme/faqs/new/"}, headers=HTMX)

    assert part.status_code == 200 and "<html" not in part.text
    assert 'value="test" data-tone="wait" aria-pressed="true"' in part.text
    assert 'name="next" value="/w/acme/faqs/new/"' in part.text
    assert "no test phone is listed" in part.text and "#test-phones" in part.text
    assert 'hx-swap-oob="beforeend:#toasts"' in part.text


def test_test_mode_explains_itself_until_there_is_a_phone(
    shop: Shop, owner: Client, ada: User
) -> None:
    owner.post(SWITCH, {"mode": "test"})
    assert "no test phone is listed" in owner.get("/w/acme/faqs/").text

    with scope.workspace(shop.space):
        bot.add_test_phone(workspace=shop.space, phone="08035550142", actor=ada, now=clock.now())

    assert "no test phone is listed" not in owner.get("/w/acme/faqs/").text


@pytest.mark.parametrize("data", [{}, {"mode": "maybe"}, {"mode": "ON"}, {"is_on": "off"}])
def test_a_forged_mode_changes_nothing(shop: Shop, owner: Client, data: dict[str, str]) -> None:
    page = owner.post(SWITCH, data, follow=True)

    assert "Choose on, test or off" in page.text
    assert mode(shop) == "on"


def test_the_switch_is_for_managers(
    shop: Shop, agent: Client, viewer: Client, stranger: Client
) -> None:
    for client, status in ((agent, 403), (viewer, 403), (stranger, 404)):
        assert client.post(SWITCH, {"mode": "off"}).status_code == status
    assert mode(shop) == "on"


# --- Who may see and change --------------------------------------------------------------------


def test_the_page_is_read_by_all_and_changed_by_managers(
    shop: Shop, owner: Client, agent: Client, viewer: Client, stranger: Client
) -> None:
    assert "Save as a draft" in owner.get(PAGE).text
    for client in (agent, viewer):
        page = client.get(PAGE)
        assert page.status_code == 200 and "Save as a draft" not in page.text
    assert stranger.get(PAGE).status_code == 404

    for path in ("", "preview/", "publish/", "discard/", "versions/1/restore/", "phones/",
                 "phones/1/remove/"):  # fmt: skip
        assert agent.post(PAGE + path, typed()).status_code == 403
        assert stranger.post(PAGE + path, typed()).status_code == 404
    assert viewer.post(f"{PAGE}try/", {"text": "hello"}).status_code == 200
    assert stranger.get(f"{PAGE}try/").status_code == 404
    assert stranger.post(f"{PAGE}try/", {"text": "hello"}).status_code == 404


# --- Draft, publish, versions ------------------------------------------------------------------


def test_what_is_typed_is_a_draft_then_published_then_a_version(shop: Shop, owner: Client) -> None:
    saved = owner.post(PAGE, typed(name="Zuri", greeting="Welcome, <b>dear</b>!"), follow=True).text
    assert "Saved as a draft" in saved and "Your draft" in saved
    assert "Welcome, &lt;b&gt;dear&lt;/b&gt;!" in saved
    assert live(shop).name == ""

    published = owner.post(f"{PAGE}publish/", follow=True).text

    assert "Published" in published and "Your draft" not in published
    assert "Version 2" in published and "Ada" in published
    assert live(shop).name == "Zuri"
    assert "somebody was faster" in owner.post(f"{PAGE}publish/", follow=True).text


def test_only_the_draft_that_was_read_is_published(shop: Shop, owner: Client) -> None:
    read = owner.post(PAGE, typed(name="Zuri"), follow=True).text
    mark = re.search(r'name="mark" value="([^"]+)"', read)
    assert mark
    owner.post(PAGE, typed(name="Amaka"))  # a colleague saves over it

    refused = owner.post(f"{PAGE}publish/", {"mark": mark[1]}, follow=True).text

    assert "changed the draft meanwhile" in refused and live(shop).name == ""
    again = re.search(r'name="mark" value="([^"]+)"', refused)
    assert again and again[1] != mark[1]
    owner.post(f"{PAGE}publish/", {"mark": again[1]})
    assert live(shop).name == "Amaka"


def test_a_draft_is_thrown_away(shop: Shop, owner: Client) -> None:
    owner.post(PAGE, typed(name="Zuri"))

    gone = owner.post(f"{PAGE}discard/", follow=True).text

    assert "The draft is gone" in gone and "Your draft" not in gone
    assert live(shop).name == ""


def test_a_version_is_restored_as_a_draft(shop: Shop, owner: Client, ada: User) -> None:
    for name in ("Zuri", "Tobi"):
        with scope.workspace(shop.space):
            bot.configure(workspace=shop.space, changes={"name": name}, actor=ada, now=clock.now())

    page = owner.post(f"{PAGE}versions/2/restore/", follow=True).text

    assert "Version 2 is your draft now" in page and "Your draft" in page
    assert live(shop).name == "Tobi"
    assert owner.post(f"{PAGE}versions/99/restore/").status_code == 404
    assert "holds already" in owner.post(f"{PAGE}versions/3/restore/", follow=True).text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"preset": "days", "opens_0": "08:00"}, "Monday has only one time"),
        ({"preset": "days", "opens_0": "noon", "closes_0": "18:00"}, "Write a time as 08:00"),
        ({"preset": "never"}, "Select a valid choice"),
        ({"greeting": "x" * 601}, "there is room for 600"),
        ({"name": "x" * 41}, "there is room for 40"),
        ({"off_limits": "😀"}, "no letter or digit"),
        ({"handback_minutes": "0"}, "between 5 minutes"),
        ({"handback_minutes": "9" * 40}, "between 5 minutes"),
        ({"outside": "shout"}, "Select a valid choice"),
        ({"language": ""}, "required"),
        ({"greeting": "a\x00b"}, "Null characters"),
    ],
)
def test_a_mistake_is_said_where_it_is(
    shop: Shop, owner: Client, change: dict[str, str], said: str
) -> None:
    part = owner.post(PAGE, typed(**change), headers=HTMX)
    whole = owner.post(PAGE, typed(**change))

    assert part.status_code == whole.status_code == 422
    assert said in part.text and "<html" not in part.text
    assert said in whole.text and "<html" in whole.text
    with scope.workspace(shop.space):
        assert versions.draft(live=bot.settings_of()) is None


def test_hours_are_given_day_by_day(shop: Shop, owner: Client) -> None:
    days = {
        f"{part}_{n}": at
        for n in range(5)
        for part, at in (("opens", "20:00"), ("closes", "02:00"))
    }
    owner.post(PAGE, typed(preset="days", **days))
    owner.post(f"{PAGE}publish/")

    assert live(shop).hours == " ".join(["20:00-02:00"] * 5 + ["-", "-"])
    page = owner.get(PAGE).text
    assert 'value="days"' in page and 'value="20:00"' in page
    assert hours.describe(live(shop).hours) == "Mon–Fri 20–2"


def test_nothing_changed_is_no_draft(shop: Shop, owner: Client) -> None:
    page = owner.post(PAGE, typed(), follow=True).text

    assert "Nothing differs" in page and "Your draft" not in page


def test_the_preview_shows_what_is_typed_and_keeps_nothing(shop: Shop, owner: Client) -> None:
    part = owner.post(f"{PAGE}preview/", typed(greeting="Well *met*!"), headers=HTMX)

    assert "Well <b>met</b>!" in part.text and 'id="preview"' in part.text
    assert owner.post(f"{PAGE}preview/", typed(name="x" * 99), headers=HTMX).status_code == 204
    with scope.workspace(shop.space):
        assert versions.draft(live=bot.settings_of()) is None


def test_the_draft_is_tried_without_publishing_even_with_the_bot_off(
    shop: Shop, owner: Client
) -> None:
    owner.post(PAGE, typed(greeting="Welcome to the draft!"))
    owner.post(SWITCH, {"mode": "off"})

    tried = owner.post(f"{PAGE}try/", {"text": "hello"}, headers=HTMX)
    empty = owner.post(f"{PAGE}try/", {"text": ""}, headers=HTMX)

    assert "Welcome to the draft!" in tried.text
    assert empty.status_code == 422
    assert "by your draft" in owner.get(f"{PAGE}try/").text


# --- Test phones -------------------------------------------------------------------------------


def test_test_phones_are_added_and_removed_with_a_way_back(shop: Shop, owner: Client) -> None:
    added = owner.post(f"{PAGE}phones/", {"phone": "0803 555 0142"}, headers=HTMX)
    assert "+234 803 555 0142" in added.text and "<html" not in added.text
    with scope.workspace(shop.space):
        [phone] = TestPhone.objects.all()

    removed = owner.post(f"{PAGE}phones/{phone.pk}/remove/", follow=True).text

    assert "Removed" in removed
    undo = re.search(rf'action="{PAGE}phones/">.*?Undo', removed, re.S)
    assert undo and 'value="+2348035550142"' in undo[0]
    assert owner.post(f"{PAGE}phones/{phone.pk}/remove/").status_code == 404
    back = owner.post(f"{PAGE}phones/", {"phone": "+2348035550142"}, follow=True)
    assert back.redirect_chain == [(f"{PAGE}#test-phones", 302)]
    with scope.workspace(shop.space):
        entries = AuditEntry.objects.filter(action__startswith="bot.test-phone")
        assert entries.count() == 3
        assert not entries.filter(target__contains="5550142").exists()


@pytest.mark.parametrize("phone", ["", "my phone", "0803", "9" * 60, "\x00"])
def test_what_is_no_phone_is_said_so(shop: Shop, owner: Client, phone: str) -> None:
    part = owner.post(f"{PAGE}phones/", {"phone": phone}, headers=HTMX)

    assert part.status_code == 422 and "errorlist" in part.text
    with scope.workspace(shop.space):
        assert not TestPhone.objects.exists()


def test_a_phone_of_another_workspace_is_not_there(
    shop: Shop, owner: Client, stranger: Client
) -> None:
    stranger.post("/w/rival/settings/bot/phones/", {"phone": "0803 555 0142"})

    assert "803 555 0142" not in owner.get(PAGE).text
    for pk in range(1, 50):
        assert owner.post(f"{PAGE}phones/{pk}/remove/").status_code == 404


# --- The page's weight -------------------------------------------------------------------------


def test_the_page_costs_the_same_however_much_there_is(
    shop: Shop, owner: Client, ada: User, django_assert_max_num_queries: Any
) -> None:
    with scope.workspace(shop.space):
        for n in range(12):
            bot.add_test_phone(
                workspace=shop.space, phone=f"080355501{n:02d}", actor=ada, now=clock.now()
            )
            bot.configure(
                workspace=shop.space, changes={"name": f"N{n}"}, actor=ada, now=clock.now()
            )

    with django_assert_max_num_queries(18):
        assert owner.get(PAGE).status_code == 200
