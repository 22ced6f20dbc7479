"""Who writes: phone, user id, both or neither; changed, shared, contradicting. Never merged silently."""

from typing import Any

import pytest

from connections.events import Sender
from lib import clock
from messaging import contacts
from messaging.contacts import Attached
from messaging.models import Contact, ContactIdentity, Conversation, Message
from tests import whatsapp
from tests.messaging.conftest import Way
from workspaces import scope
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db
NGOZI, EMEKA = "+2348061112222", "+2348063334444"
QUESTION = "What time do you open?"


def attach(space: Workspace, **sender: Any) -> Attached | None:
    with scope.workspace(space):
        return contacts.attach(workspace=space, sender=Sender(**sender), now=clock.now())


def pk(attached: Attached | None) -> int:
    assert attached is not None
    return int(attached.contact.pk)


def contact(space: Workspace, pk: int) -> Contact:
    with scope.workspace(space):
        return Contact.objects.get(pk=pk)


def rename(space: Workspace, previous: Sender, current: Sender) -> Contact | None:
    with scope.workspace(space):
        return contacts.rename(workspace=space, previous=previous, current=current, now=clock.now())


def identities(space: Workspace) -> set[tuple[str, str, int]]:
    with scope.workspace(space):
        return set(ContactIdentity.objects.values_list("kind", "value", "contact_id"))


# --- Attaching ---------------------------------------------------------------------------------


def test_a_phone_and_then_a_user_id_are_one_contact(acme: Workspace) -> None:
    first = attach(acme, phone=NGOZI, name="Ngozi")
    both = attach(acme, phone=NGOZI, user_id="NG.1", name="Ngozi O.")
    by_id = attach(acme, user_id="NG.1")

    assert pk(first) == pk(both) == pk(by_id)
    assert contact(acme, pk(first)).name == "Ngozi O."
    assert identities(acme) == {("phone", NGOZI, pk(first)), ("bsuid", "NG.1", pk(first))}


def test_a_user_id_alone_is_a_contact_and_the_phone_joins_later(acme: Workspace) -> None:
    first = attach(acme, user_id="NG.1", username="ngozi.o")
    assert contact(acme, pk(first)).phone is None

    later = attach(acme, user_id="NG.1", phone=NGOZI)

    assert pk(later) == pk(first)
    assert contact(acme, pk(first)).phone == NGOZI


def test_two_who_share_a_username_stay_two(acme: Workspace) -> None:
    one = attach(acme, user_id="NG.1", username="shop")
    other = attach(acme, user_id="NG.2", username="shop")

    assert pk(one) != pk(other)


def test_two_who_share_a_parent_id_stay_two(acme: Workspace) -> None:
    one = attach(acme, phone=NGOZI, parent_user_id="NG.ENT.9")
    other = attach(acme, phone=EMEKA, parent_user_id="NG.ENT.9")

    assert pk(one) != pk(other)
    assert other is not None and not other.in_conflict


def test_a_raw_address_is_enough_when_there_is_nothing_else(acme: Workspace) -> None:
    one = attach(acme, address="strange@lid")
    again = attach(acme, address="strange@lid")

    assert pk(one) == pk(again)
    assert attach(acme) is None


def test_identities_that_contradict_each_other_are_flagged_and_not_merged(acme: Workspace) -> None:
    by_phone = attach(acme, phone=NGOZI)
    by_id = attach(acme, user_id="NG.2")

    both = attach(acme, phone=NGOZI, user_id="NG.2")

    assert both is not None and both.in_conflict
    assert pk(both) == pk(by_phone) != pk(by_id)
    assert contact(acme, pk(by_phone)).conflict_with_id == pk(by_id)
    assert identities(acme) == {("phone", NGOZI, pk(by_phone)), ("bsuid", "NG.2", pk(by_id))}


def test_answers_go_to_where_the_question_came_from(acme: Workspace) -> None:
    first = attach(acme, phone=NGOZI, user_id="NG.1")
    attach(acme, phone=EMEKA, user_id="NG.1")

    with scope.workspace(acme):
        assert contacts.address_of(Contact.objects.get(pk=pk(first))).phone == EMEKA


def test_one_workspaces_contact_is_unknown_in_another(acme: Workspace, rival: Workspace) -> None:
    attach(acme, phone=NGOZI, name="Ngozi")

    attached = attach(rival, phone=NGOZI)

    assert attached is not None and attached.is_new and attached.contact.name == ""


@pytest.mark.parametrize("value", ["x" * 5_000, "NG." + "1" * 500])
def test_an_endless_id_is_cut_and_still_one_contact(acme: Workspace, value: str) -> None:
    assert pk(attach(acme, address=value)) == pk(attach(acme, address=value))


# --- Changing ----------------------------------------------------------------------------------


def test_a_changed_number_keeps_the_contact_and_its_old_number(acme: Workspace) -> None:
    before = attach(acme, phone=NGOZI, name="Ngozi")

    rename(acme, Sender(phone=NGOZI), Sender(phone=EMEKA))
    after = attach(acme, phone=EMEKA)

    assert pk(after) == pk(before)
    assert contact(acme, pk(before)).phone == EMEKA
    assert {value for _, value, _ in identities(acme)} == {NGOZI, EMEKA}


def test_who_gets_a_number_that_was_given_up_is_somebody_new(acme: Workspace) -> None:
    ngozi = attach(acme, phone=NGOZI, name="Ngozi")
    rename(acme, Sender(phone=NGOZI), Sender(phone=EMEKA))

    stranger = attach(acme, phone=NGOZI, name="Tunde")

    assert pk(stranger) != pk(ngozi)
    assert contact(acme, pk(ngozi)).phone == EMEKA
    with scope.workspace(acme):
        assert contacts.address_of(contact(acme, pk(stranger))).phone == NGOZI


def test_a_number_that_is_taken_back_is_the_contacts_again(acme: Workspace) -> None:
    ngozi = attach(acme, phone=NGOZI)
    rename(acme, Sender(phone=NGOZI), Sender(phone=EMEKA))
    rename(acme, Sender(phone=EMEKA), Sender(phone=NGOZI))

    assert pk(attach(acme, phone=NGOZI)) == pk(ngozi)
    with scope.workspace(acme):
        current = ContactIdentity.objects.filter(superseded_by__isnull=True)
        assert [i.value for i in current] == [NGOZI]


def test_a_changed_user_id_keeps_the_contact(acme: Workspace) -> None:
    before = attach(acme, user_id="NG.1")

    rename(acme, Sender(user_id="NG.1"), Sender(user_id="NG.2"))

    assert pk(attach(acme, user_id="NG.2")) == pk(before)


def test_a_change_to_somebody_elses_number_is_flagged_and_takes_nothing(acme: Workspace) -> None:
    ngozi, emeka = attach(acme, phone=NGOZI), attach(acme, phone=EMEKA)

    rename(acme, Sender(phone=NGOZI), Sender(phone=EMEKA))

    assert contact(acme, pk(ngozi)).conflict_with_id == pk(emeka)
    assert pk(attach(acme, phone=EMEKA)) == pk(emeka)
    assert contact(acme, pk(ngozi)).phone == NGOZI


def test_a_change_of_somebody_unknown_makes_nobody(acme: Workspace) -> None:
    assert rename(acme, Sender(phone=NGOZI), Sender(phone=EMEKA)) is None
    assert identities(acme) == set()


# --- Through the webhook -----------------------------------------------------------------------


def message(sender: dict[str, Any], contact: dict[str, Any], wamid: str) -> dict[str, Any]:
    return whatsapp.envelope(
        {
            "contacts": [contact],
            "messages": [
                {"id": wamid, "timestamp": str(int(clock.now().timestamp())), "type": "text",
                 "text": {"body": QUESTION}, **sender}
            ],
        }
    )  # fmt: skip


def test_somebody_with_a_user_id_only_is_answered_by_it(way: Way) -> None:
    way.post(
        message(
            {"from_user_id": "NG.13491208655302741918"},
            {"user_id": "NG.13491208655302741918", "profile": {"name": "N", "username": "ngozi"}},
            "wamid.1",
        )
    )
    way.work()

    sent = way.api.messages[0]
    assert sent["recipient"] == "NG.13491208655302741918" and "to" not in sent
    with scope.workspace(way.space):
        assert Contact.objects.get().username == "ngozi"


def test_phone_then_user_id_is_one_conversation(way: Way) -> None:
    way.say(QUESTION, wamid="wamid.1")
    both = {"wa_id": "2348061112222", "user_id": "NG.77", "profile": {"name": "Ngozi"}}
    way.post(message({"from": "2348061112222", "from_user_id": "NG.77"}, both, "wamid.2"))
    way.post(message({"from_user_id": "NG.77"}, {"user_id": "NG.77", "profile": {}}, "wamid.3"))
    way.work()

    with scope.workspace(way.space):
        assert Conversation.objects.count() == 1
    addressed = [m.get("to") or m["recipient"] for m in way.api.messages]
    assert sorted(addressed) == ["2348061112222", "2348061112222", "NG.77"]


def test_an_announced_number_change_is_told_in_the_conversation(way: Way) -> None:
    way.say(QUESTION, wamid="wamid.1")
    way.post(
        whatsapp.envelope(
            {
                "messages": [
                    {"from": "2348061112222", "id": "wamid.SYS", "type": "system",
                     "timestamp": str(int(clock.now().timestamp())),
                     "system": {"body": "changed", "wa_id": "2348063334444",
                                "type": "user_changed_number"}}
                ]
            }
        )
    )  # fmt: skip
    way.say(QUESTION, wamid="wamid.2", sender="2348063334444")

    assert [m["to"] for m in way.api.messages] == ["2348061112222", "2348063334444"]
    with scope.workspace(way.space):
        assert Conversation.objects.count() == 1
        note = Message.objects.get(author="system")
        assert note.steps.get().reason == "identity_changed"
