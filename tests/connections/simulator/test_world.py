"""Memory and the file it is kept in, without a process."""

import time
from pathlib import Path

import pytest

from connections.simulator import persistence, records
from connections.simulator.records import Message, Number
from connections.simulator.world import KEEP_CHAT, PRESETS, World


def _number(identifier: str = "1") -> Number:
    return Number(identifier, "9", "+234 803 555 0001", "Shop", "secret")


def _message(world: World, index: int, *, customer: str = "2348035550142", **facts: str) -> Message:
    person = world.meet(customer)
    return world.add(
        Message(
            id=f"wamid.{index}",
            phone_number_id="1",
            customer=person.key,
            direction=facts.get("direction", "in"),
            type="text",
            content={"text": {"body": str(index)}},
            text=str(index),
            at=time.time(),
            status=facts.get("status", "sent"),
        )
    )


def test_the_oldest_messages_are_forgotten() -> None:
    world = World(keep=50)
    world.register(_number())

    for index in range(500):
        _message(world, index, customer=f"23480355{index % 7:05d}")

    kept = world.messages()
    assert [m.id for m in kept] == [f"wamid.{n}" for n in range(450, 500)]
    for index in range(7):
        chat = world.conversation(("1", f"23480355{index:05d}"))
        assert [m.id for m in chat] == [m.id for m in kept if m.customer.endswith(str(index))]


def test_one_chat_and_all_customers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connections.simulator.world.KEEP_CUSTOMERS", 30)
    world = World(keep=10_000)

    for index in range(KEEP_CHAT + 50):
        _message(world, index)
    for index in range(100):
        world.meet(f"23480366{index:05d}")

    assert len(world.conversation(("1", "2348035550142"))) == KEEP_CHAT
    assert len(world._customers) == len(world._by_user_id) == 30


def test_statuses_only_go_forward() -> None:
    world = World()
    message = _message(world, 1, direction="out", status="accepted")

    steps = [world.advance(message, s) for s in ("sent", "delivered", "sent", "read", "delivered")]

    assert steps == [True, True, False, True, False]
    assert message.status == "read"


def test_a_customer_is_found_by_number_or_user_id() -> None:
    world = World()
    ada = world.meet("+234 803 555 0142", name="Ada")

    assert world.meet(ada.user_id) is ada
    assert world.customer("2348035550142") is ada
    hidden = world.meet("NG.123", username="ada")
    assert (hidden.key, hidden.wa_id) == ("NG.123", "")


def test_the_people_to_show_are_the_latest_and_then_the_presets() -> None:
    world = World()
    _message(world, 1, customer="2348000000001")
    _message(world, 2, customer="2348000000002")

    names = [customer.key for customer, _ in world.recent_customers("1")]

    assert names[:2] == ["2348000000002", "2348000000001"]
    assert len(names) == 2 + len(PRESETS)


def test_message_ids_look_like_the_vendors_and_never_repeat() -> None:
    ids = {records.new_wamid("2348035550142") for _ in range(1000)}

    assert len(ids) == 1000
    assert all(i.startswith("wamid.") and len(i) < 100 for i in ids)


def test_chats_come_back_from_the_file(tmp_path: Path) -> None:
    world, path = World(), tmp_path / "deep" / "simulator.json"
    world.register(_number())
    world.meet("NG.555", name="Emeka", username="emeka")
    for index in range(5):
        _message(world, index)
    _message(world, 6, customer="NG.555")
    world.messages()[0].reactions["out"] = "👍"

    persistence.save(world, path)
    back = World()
    persistence.load(back, path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert [n.app_secret for n in back.numbers()] == ["secret"]
    assert [m.text for m in back.messages()] == ["0", "1", "2", "3", "4", "6"]
    assert back.messages()[0].reactions == {"out": "👍"}
    emeka = back.customer("NG.555")
    assert emeka is not None
    assert (emeka.name, emeka.username) == ("Emeka", "emeka")
    assert not list(path.parent.glob("*.part"))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"numbers": [{"x": 1}]}'])
def test_a_broken_file_is_left_aside(tmp_path: Path, content: str) -> None:
    path = tmp_path / "simulator.json"
    path.write_text(content)
    world = World()

    assert persistence.load(world, path) == []
    assert world.numbers() == []
