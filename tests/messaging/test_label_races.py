"""An entry is deleted while somebody says which question it is for: both end well."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections, transaction

from faqs import entries, golden, labels
from faqs.models import Entry, GoldenQuestion, Label
from lib import clock
from messaging.models import Message
from tests.messaging.conftest import Way
from workspaces import scope


def beside(way: Way, work: Callable[[], Any]) -> tuple[threading.Thread, list[object]]:
    """Begin work on a thread with a connection of its own; what came of it is in the list."""
    came: list[object] = []

    def run() -> None:
        try:
            with scope.workspace(way.space):
                came.append(work())
        except Exception as error:
            came.append(error)
        finally:
            connections["default"].close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, came


def put(way: Way, entry_id: int) -> bool:
    return labels.put(
        message_id=7, text="how much", entry_id=entry_id, source=Label.Source.TAP, now=clock.now()
    )


def test_a_label_that_is_being_put_goes_with_the_entry(committed_way: Way) -> None:
    way = committed_way
    with scope.workspace(way.space):
        entry = Entry.objects.get(faq_id="returns")
        with transaction.atomic():
            assert put(way, entry.pk)
            golden.add(
                entry_id=entry.pk,
                text="money back?",
                origin=GoldenQuestion.Origin.PERSON,
                now=clock.now(),
            )
            thread, came = beside(
                way, lambda: entries.delete(entry_ids=[entry.pk], now=clock.now())
            )
            thread.join(1)
        thread.join(10)

        assert came == [True]
        assert not Entry.objects.filter(pk=entry.pk).exists()
        assert not Label.objects.exists() and not GoldenQuestion.objects.exists()


def test_a_label_for_an_entry_that_is_being_deleted_finds_it_gone(committed_way: Way) -> None:
    way = committed_way
    with scope.workspace(way.space):
        entry = Entry.objects.get(faq_id="returns")
        with transaction.atomic():
            entries.delete(entry_ids=[entry.pk], now=clock.now())
            thread, came = beside(way, lambda: put(way, entry.pk))
            thread.join(1)
        thread.join(10)

        assert came == [False]
        assert not Label.objects.exists()


def test_an_answer_is_sent_though_its_entry_goes_in_the_same_moment(committed_way: Way) -> None:
    way = committed_way
    with scope.workspace(way.space):
        entry = Entry.objects.get(faq_id="returns")
        with transaction.atomic():
            entries.delete(entry_ids=[entry.pk], now=clock.now())
            thread, came = beside(way, lambda: way.say("Can I return fabric?", wamid="wamid.1"))
            thread.join(1)
        thread.join(20)

        assert came == [None]
        assert Message.objects.filter(direction="in").count() == 1
        assert Message.objects.filter(direction="out").count() == 1
