"""Chats, numbers and what was under way survive a restart of the simulator."""

from pathlib import Path

import pytest
import requests

from tests.connections.simulator.conftest import Mailbox, Receiver, start_simulator, until

pytestmark = pytest.mark.processes


def test_a_restart_loses_nothing(tmp_path: Path, receiver: Receiver) -> None:
    file = str(tmp_path / "simulator.json")
    box = receiver.mailboxes.setdefault("/hooks/restart/", Mailbox())
    box.answers.extend([500] * 50)
    process, url = start_simulator(SIMULATOR_STATE_FILE=file)
    number = {
        "phone_number_id": "5",
        "waba_id": "6",
        "display_phone_number": "2348035550001",
        "app_secret": "s",
        "callback_url": f"{receiver.url}/hooks/restart/",
    }
    requests.post(f"{url}/control/numbers", json=number, timeout=5).raise_for_status()
    body = {"phone_number_id": "5", "from": "2348035550142", "text": "are you there?"}
    requests.post(f"{url}/control/inbound", json=body, timeout=5).raise_for_status()
    process.terminate()
    process.wait(10)
    box.answers.clear()
    assert box.hooks == []

    process, url = start_simulator(SIMULATOR_STATE_FILE=file)
    try:
        until(lambda: box.items("messages"))
        ask = {"phone_number_id": "5", "customer": "2348035550142"}
        chat = requests.get(f"{url}/control/chat", params=ask, timeout=5).json()
    finally:
        process.terminate()
        process.wait(10)

    assert box.items("messages")[0]["text"]["body"] == "are you there?"
    assert [m["text"] for m in chat["messages"]] == ["are you there?"]
