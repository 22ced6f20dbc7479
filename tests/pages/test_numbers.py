"""A test message on a number, and its log page by page."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from connections import journal, manager
from connections.models import Connection, ConnectionEvent, InboundEvent, OutboundJob
from lib import clock
from tests.pages.conftest import HTMX, Shop
from workspaces import scope
from workspaces.models import AuditEntry, Workspace

pytestmark = pytest.mark.django_db
PHONE = "0806 111 2222"


@pytest.fixture
def test_page(shop: Shop) -> str:
    with scope.workspace(shop.space):
        Connection.objects.filter(pk=shop.number.pk).update(state="connected")
    return f"/w/acme/connections/{shop.number.pk}/test/"


def wrote(shop: Shop, *, hours_ago: float, number: str = "+2348061112222") -> None:
    at = clock.now() - timedelta(hours=hours_ago)
    with scope.workspace(shop.space):
        InboundEvent.objects.create(
            workspace=shop.space, connection=shop.number, provider="cloud_api", number_id="1",
            kind="message", key=f"msg:{at}", conversation_key=number, payload={"data": {}},
            state="done", received_at=at, due_at=at,
        )  # fmt: skip


def jobs(space: Workspace) -> list[OutboundJob]:
    with scope.workspace(space):
        return list(OutboundJob.objects.all())


def test_who_may_send_one_and_who_may_read_the_log(
    test_page: str, owner: Client, agent: Client, viewer: Client, stranger: Client
) -> None:
    log = test_page.replace("/test/", "/log/")
    for client, sends, reads in (
        (owner, 200, 200), (agent, 403, 200), (viewer, 403, 200), (stranger, 404, 404),
        (Client(), 302, 302),
    ):  # fmt: skip
        assert client.get(test_page).status_code == sends
        assert client.get(log).status_code == reads
    for client, status in ((agent, 403), (viewer, 403), (stranger, 404), (Client(), 302)):
        assert client.post(test_page, {"phone": PHONE}).status_code == status


def test_it_goes_out_through_the_outbox_and_is_watched(
    shop: Shop, test_page: str, owner: Client
) -> None:
    wrote(shop, hours_ago=3)
    assert "Send a test" in owner.get(f"/w/acme/connections/{shop.number.pk}/").text

    page = owner.post(test_page, {"phone": PHONE}, follow=True)

    (job,) = jobs(shop.space)
    assert job.payload is not None
    assert job.payload["to_phone"] == "+2348061112222" and "Acme Fabrics" in job.payload["text"]
    assert "It waits for its turn." in page.text and "every 2s" in page.text
    address = f"{test_page}?sent={job.pk}"
    assert owner.get(f"{address}&mark=queued", headers=HTMX).status_code == 204
    with scope.workspace(shop.space):
        OutboundJob.objects.update(state="failed", error="The number is not on WhatsApp.")
    answer = owner.get(f"{address}&mark=queued", headers=HTMX).text
    assert "It was not sent. The number is not on WhatsApp." in answer and "every" not in answer
    with scope.workspace(shop.space):
        OutboundJob.objects.update(state="accepted", delivered_at=clock.now())
        assert AuditEntry.objects.filter(action="connection.tested").count() == 1
    assert "It has arrived" in owner.get(address).text
    assert "outcome" not in owner.get(f"{test_page}?sent=999999").text.split("<main")[1]


def test_outside_the_window_it_says_why_and_what_to_do(
    shop: Shop, test_page: str, owner: Client
) -> None:
    wrote(shop, hours_ago=25)
    wrote(shop, hours_ago=1, number="+2348069999999")

    answer = owner.post(test_page, {"phone": PHONE}, headers=HTMX)

    assert answer.status_code == 422
    assert "only to who wrote to it within 24 hours" in answer.text
    assert "Send “Hello” from that phone" in answer.text and jobs(shop.space) == []


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "required"),
        ("12", "too short"),
        ("x\x00", "Null characters"),
        ("0803 123 4567", "this number itself"),
        ("9" * 60, "at most 40"),
    ],
)
def test_what_is_no_phone_of_yours_is_refused(
    shop: Shop, test_page: str, owner: Client, typed: str, said: str
) -> None:
    answer = owner.post(test_page, {"phone": typed})

    assert answer.status_code == 422 and said in answer.text and jobs(shop.space) == []


def test_a_number_that_is_off_sends_no_test(shop: Shop, test_page: str, owner: Client) -> None:
    wrote(shop, hours_ago=1)
    with scope.workspace(shop.space):
        manager.switch(connection=shop.number, is_sending=False, actor=None, now=clock.now())

    assert "not connected" in owner.post(test_page, {"phone": PHONE}).text
    assert jobs(shop.space) == []


def test_ten_an_hour_are_enough(shop: Shop, test_page: str, owner: Client) -> None:
    wrote(shop, hours_ago=1)
    for _ in range(10):
        assert owner.post(test_page, {"phone": PHONE}).status_code == 302

    assert "Ten test messages" in owner.post(test_page, {"phone": PHONE}).text


def test_the_log_comes_page_by_page_in_order(shop: Shop, owner: Client) -> None:
    now = clock.now()
    with scope.workspace(shop.space):
        ConnectionEvent.objects.all().delete()
        for number in range(230):
            journal.note(shop.number, "checked", now=now, detail=f"no {number}")
    path = f"/w/acme/connections/{shop.number.pk}/log/"

    seen: list[int] = []
    query = ""
    for _ in range(3):
        text = owner.get(path + query).text
        seen += [int(found) for found in re.findall(r"no (\d+)</td>", text)]
        older = re.search(r'href="[^"]*(\?before=\d+)"', text)
        query = older[1] if older else ""

    assert seen == list(range(229, -1, -1)) and query == ""
    assert owner.get(path + "?before=abc").status_code == 200
