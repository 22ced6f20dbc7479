"""How many conversations a linked phone may begin: by how long it is this phone."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import transaction

from connections.linked import limits
from connections.models import Connection, FirstContact
from lib import clock
from tests.connections.linked.conftest import PHONE, Phone
from tests.connections.test_outbox_racing import together
from tests.messaging.conftest import Way
from workspaces import scope

ANOTHER = "+2348012345679"


def a_day(phone: Phone) -> int:
    return limits.first_contacts_a_day(connection=phone.read(), now=clock.now())


def grows_old(phone: Phone) -> None:
    """Let the number have been made, and its phone linked, two months ago."""
    long_ago = clock.now() - timedelta(days=60)
    phone.change(created_at=long_ago, linked_at=long_ago)


@pytest.mark.django_db
def test_a_number_may_begin_more_the_longer_it_is_linked(phone: Phone) -> None:
    phone.opens()
    young = a_day(phone)
    grows_old(phone)

    assert (young, a_day(phone)) == (10, 100)


@pytest.mark.django_db
def test_a_number_of_before_counts_from_when_it_was_made(phone: Phone) -> None:
    phone.opens()
    phone.change(created_at=clock.now() - timedelta(days=2), linked_at=None)

    assert a_day(phone) == 20


@pytest.mark.django_db
def test_another_phone_on_an_old_row_begins_anew(phone: Phone) -> None:
    phone.opens()
    grows_old(phone)

    phone.opens(ANOTHER)

    assert a_day(phone) == 10
    with scope.workspace(phone.space):
        reasons = limits.risk(connection=phone.read(), now=clock.now()).reasons
    assert "The number was linked less than a week ago." in reasons


@pytest.mark.django_db
def test_the_same_phone_that_comes_back_keeps_its_age(phone: Phone) -> None:
    phone.opens()
    grows_old(phone)

    phone.says("logged_out", code="401")
    phone.opens(PHONE)

    assert a_day(phone) == 100


@pytest.fixture
def committed_number(committed_way: Way) -> Iterator[Connection]:
    with scope.workspace(committed_way.space):
        yield Connection.objects.select_related("workspace").get(pk=committed_way.connection.pk)


def test_two_at_once_do_not_go_beyond_the_cap(committed_number: Connection) -> None:
    number, space = committed_number, committed_number.workspace
    number.linked_at = clock.now()
    names = iter(range(100))

    def begin() -> int:
        count = 0
        for _ in range(5):
            with scope.workspace(space), transaction.atomic():
                try:
                    phone = f"+23480900000{next(names):02d}"
                    limits.may_begin(connection=number, phone=phone, now=clock.now())
                    count += 1
                except limits.UnableToBegin:
                    pass
        return count

    begun = sum(together(6, begin))

    with scope.workspace(space):
        assert (begun, FirstContact.objects.count()) == (10, 10)
