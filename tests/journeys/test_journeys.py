"""What only the real processes can show: speed, crashes, once-only answers."""

import time

import pytest

from tests import whatsapp
from tests.house import House, wait_until

pytestmark = pytest.mark.processes


def answers_to(graph: whatsapp.Graph, prefix: str) -> list[str]:
    return [m["to"] for m in list(graph.messages) if str(m.get("to", "")).startswith(prefix)]


def test_a_customers_question_is_answered_through_all_processes(
    house: House, graph: whatsapp.Graph
) -> None:
    started = time.monotonic()
    assert (
        house.webhook(
            whatsapp.text("what are your opening hours?", wamid="wamid.J1", sender="2348060000001")
        )
        == 200
    )
    wait_until(
        lambda: bool(answers_to(graph, "2348060000001")), "the answer goes out", house, seconds=10
    )

    assert time.monotonic() - started < 5
    sent = next(m for m in graph.messages if m.get("to") == "2348060000001")
    for word in ("sent", "delivered", "read"):
        house.webhook(
            whatsapp.status(
                sent["wamid"],
                word,
                recipient="2348060000001",
                opaque=sent["biz_opaque_callback_data"],
            )
        )
    wait_until(
        lambda: (
            house.manage_json("trace", "--workspace", "shop", "--message", "wamid.J1")["replies"][
                0
            ]["status"]
            == "read"
        ),
        "the statuses arrive",
        house,
    )
    usage = house.manage_json("usage", "--workspace", "shop", "--month", time.strftime("%Y-%m"))
    assert usage["total"]["messages_sent"] >= 1


def test_killing_a_worker_and_the_sender_in_the_middle_loses_and_doubles_nothing(
    house: House, graph: whatsapp.Graph
) -> None:
    count, prefix = 200, "23480700"
    for batch in range(0, count, 20):
        payload = whatsapp.text("x", wamid="x")
        value = payload["entry"][0]["changes"][0]["value"]
        value["messages"] = [
            {"from": f"{prefix}{n:05d}", "id": f"wamid.K{n}", "timestamp": str(int(time.time())), "type": "text",
             "text": {"body": "what are your opening hours?"}}
            for n in range(batch, batch + 20)
        ]  # fmt: skip
        value["contacts"] = []
        assert house.webhook(payload) == 200
    wait_until(lambda: len(answers_to(graph, prefix)) > 20, "some are answered", house)
    house.kill("worker")
    house.kill("sender")
    reported: set[str] = set()
    house.start("worker", "sender")
    restarted = time.monotonic()

    def all_answered() -> bool:
        # WhatsApp reports on what it got, as it does.
        for message in list(graph.messages):
            opaque = message.get("biz_opaque_callback_data", "")
            if str(message.get("to", "")).startswith(prefix) and opaque not in reported:
                reported.add(opaque)
                house.webhook(
                    whatsapp.status(
                        message["wamid"], "sent", recipient=message["to"], opaque=opaque
                    )
                )
        return len(set(answers_to(graph, prefix))) == count

    wait_until(all_answered, "all are answered", house, seconds=60)
    time.sleep(1)

    assert len(answers_to(graph, prefix)) == count, "somebody was answered twice"
    assert time.monotonic() - restarted < 45


def test_killing_redis_loses_nothing(house: House, graph: whatsapp.Graph) -> None:
    prefix = "23480800"
    for n in range(60):
        assert (
            house.webhook(
                whatsapp.text("how much is lace?", wamid=f"wamid.R{n}", sender=f"{prefix}{n:05d}")
            )
            == 200
        )
        if n == 20:
            house.kill("redis")
        if n == 40:
            house.start("redis")

    wait_until(
        lambda: len(set(answers_to(graph, prefix))) == 60, "all are answered", house, seconds=60
    )
    assert len(answers_to(graph, prefix)) == 60
    gave_up = {
        name: f"exit {process.returncode}: {house.log(name)[-3000:]}"
        for name, process in house.processes.items()
        if process.poll() is not None
    }
    assert not gave_up, "\n".join(f"{name} gave up, {why}" for name, why in gave_up.items())


def test_no_message_text_and_no_number_reaches_the_log(house: House) -> None:
    house.webhook(
        whatsapp.text(
            "canary-text-7731", wamid="wamid.LOG", sender="2348069998877", name="Canary Person"
        )
    )
    time.sleep(1.5)
    logs = house.logs()

    for canary in (
        "canary-text-7731",
        "2348069998877",
        "Canary Person",
        "opening hours?",
        "house-app-secret",
    ):
        assert canary not in logs
    # A killed broker is the task queue's own exception; none may be ours.
    ours = [
        line
        for line in logs.splitlines()
        if '"exception"' in line and '"logger": "celery' not in line
    ]
    assert not [line for line in ours if '"logger": "kombu' not in line]


def test_json_is_all_that_a_command_prints(house: House) -> None:
    made = house.manage_json(
        "workspace_create", "--name", "Two", "--slug", "two", "--owner", "two@shop.example"
    )
    assert made["slug"] == "two"
    assert house.manage_json("ask", "--workspace", "two", "hello")["decision"] == "answer"
    assert house.manage_json("workspace_delete", "--workspace", "two", "--yes")["slug"] == "two"
    assert house.manage("ask", "--workspace", "two", "hello", check=False).returncode == 2
    assert (
        house.manage("trace", "--workspace", "shop", "--message", "x", check=False).returncode == 1
    )
