"""Backroom on RabbitMQ (Debian: rabbitmq-server): answers, and loses nothing when it is killed.

Prints JSON lines. Usage: python -m tests.chaos.rabbitmq [--messages 500]
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from kombu import Connection

from tests import whatsapp
from tests.house import ROOT, House, free_port, wait_until

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_WORKERS = ("worker", "bulk", "sender")
_QUEUES = {"worker": "interactive", "bulk": "bulk", "sender": "send"}
_PREFIXES = {"plain": "234801", "blocked": "234802", "killed": "234803", "after": "234804"}
_FALL_BACK_SECONDS = 240.0


class RabbitHouse(House):
    """A house whose broker is RabbitMQ; Redis keeps the cache and the marks."""

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(folder, **options)
        self.amqp_port, self.epmd_port = free_port(), free_port()
        self.amqp_url = f"amqp://guest:guest@127.0.0.1:{self.amqp_port}//"
        self.environment["BROKER_URL"] = self.amqp_url

    def _environment(self, name: str) -> dict[str, str]:
        if name != "rabbitmq":
            return super()._environment(name)
        base = self.folder / "rabbitmq"
        base.mkdir(exist_ok=True)
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(base),
            "LANG": "C.UTF-8",
            "RABBITMQ_NODENAME": f"house{self.amqp_port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.amqp_port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(base / "data"),
            "RABBITMQ_LOG_BASE": str(base / "log"),
            "ERL_EPMD_PORT": str(self.epmd_port),
            "RABBITMQ_PID_FILE": str(base / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(base / "plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(base / "none"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1",
        }

    def _command(self, name: str) -> list[str]:
        return [str(SERVER)] if name == "rabbitmq" else super()._command(name)

    def _wait_for(self, name: str) -> None:
        if name == "rabbitmq":
            wait_until(self.is_answering, "RabbitMQ answers", self, seconds=90)
        elif name in _WORKERS:
            wait_until(lambda: self._consumers(name) > 0, f"{name} consumes", self, seconds=90)
        else:
            super()._wait_for(name)

    def is_answering(self) -> bool:
        """Say whether RabbitMQ lets somebody in."""
        try:
            with Connection(self.amqp_url, connect_timeout=1) as link:
                link.connect()
        except OSError:
            return False
        return True

    def _consumers(self, name: str) -> int:
        try:
            with Connection(self.amqp_url, connect_timeout=1) as link:
                channel: Any = link.default_channel
                return int(channel.queue_declare(_QUEUES[name], passive=True).consumer_count)
        except Exception:
            return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=500)
    count = parser.parse_args().messages
    if not SERVER.exists():
        print("rabbitmq-server is not installed (apt install rabbitmq-server)", file=sys.stderr)
        return 2
    folder = Path(tempfile.mkdtemp(prefix="backroom-rabbitmq-"))
    with whatsapp.graph() as graph:
        house = RabbitHouse(folder, database="backroom_rabbitmq", graph_url=graph.url)
        try:
            _prepare(house)
            fine = [
                _answers(house, graph, 50),
                _blocked(house, graph),
                _killed(house, graph, count),
            ]
        finally:
            house.stop()
            # Erlang's book of names, which the server leaves running: ours, by its port.
            port = str(house.epmd_port)
            subprocess.run(["epmd", "-port", port, "-kill"], check=False, capture_output=True)
            house.drop_database()
            shutil.rmtree(folder, ignore_errors=True)
    return 0 if all(fine) else 1


def _prepare(house: House) -> None:
    house.manage("migrate", "--noinput", "-v0")
    house.manage(
        "workspace_create", "--name", "Shop", "--slug", "shop", "--owner", "o@shop.example"
    )
    house.manage(
        "faq_import", "--workspace", "shop", str(ROOT / "faqs/templates_data/fabric_shop.csv")
    )
    house.manage(
        "connection_add", "--workspace", "shop", "--phone", "+15550783881",
        "--phone-number-id", whatsapp.NUMBER_ID, "--waba-id", whatsapp.ACCOUNT_ID,
        "--access-token", "token",
    )  # fmt: skip
    house.start("redis", "rabbitmq", "web", *_WORKERS)


def _say(house: House, case: str, n: int) -> None:
    payload = whatsapp.text(
        "what are your opening hours?", wamid=f"wamid.{case}{n}", sender=f"{_PREFIXES[case]}{n:07d}"
    )
    assert house.webhook(payload) == 200


def _answered(graph: whatsapp.Graph, before: int) -> Counter[str]:
    return Counter(str(message["to"]) for message in graph.messages[before:])


def _report(case: str, sent: int, answers: Counter[str], seconds: float) -> bool:
    lost = sent - len(answers)
    twice = sum(1 for times in answers.values() if times > 1)
    is_fine = lost == 0 and twice == 0
    for name, value, unit in (
        ("chaos_lost", lost, "messages"),
        ("chaos_answered_twice", twice, "messages"),
        ("chaos_seconds", round(seconds, 1), "s"),
    ):
        line = {"name": name, "case": f"rabbitmq {case}", "value": value, "unit": unit}
        print(json.dumps({**line, "of": sent, "ok": is_fine}), flush=True)
    return is_fine


def _answers(house: RabbitHouse, graph: whatsapp.Graph, count: int, case: str = "plain") -> bool:
    """Every message is answered, by wake-ups that went through RabbitMQ."""
    before, started = len(graph.messages), time.monotonic()
    for n in range(count):
        _say(house, case, n)
    _wait_for_answers(graph, before, count)
    return _report(f"answers {case}", count, _answered(graph, before), time.monotonic() - started)


def _blocked(house: RabbitHouse, graph: whatsapp.Graph) -> bool:
    """RabbitMQ out of memory stops reading from publishers: webhooks are answered all the same."""
    before, started = len(graph.messages), time.monotonic()
    _control(house, "set_vm_memory_high_watermark", "absolute", "1")
    slowest = 0.0
    for n in range(30):
        begun = time.monotonic()
        _say(house, "blocked", n)
        slowest = max(slowest, time.monotonic() - begun)
    _control(house, "set_vm_memory_high_watermark", "0.4")
    _wait_for_answers(graph, before, 30)
    line = {"name": "blocked_webhook_slowest_seconds", "value": round(slowest, 3), "unit": "s"}
    print(json.dumps({**line, "case": "rabbitmq blocked"}), flush=True)
    return _report("blocked", 30, _answered(graph, before), time.monotonic() - started)


def _killed(house: RabbitHouse, graph: whatsapp.Graph, count: int) -> bool:
    """kill -9 in the middle and a restart."""
    before, started = len(graph.messages), time.monotonic()
    for n in range(count):
        if n == count // 3:
            _kill(house)
        if n == 2 * count // 3:
            house.spawn("rabbitmq")
        _say(house, "killed", n)
    _wait_for_answers(graph, before, count)
    is_fine = _report("kill -9", count, _answered(graph, before), time.monotonic() - started)
    started = time.monotonic()
    for name in _WORKERS:
        house._wait_for(name)
    line = {"name": "rabbitmq_consumers_back_seconds", "unit": "s", "case": "rabbitmq kill -9"}
    print(json.dumps({**line, "value": round(time.monotonic() - started, 1)}), flush=True)
    return is_fine and _answers(house, graph, 20, "after")


def _kill(house: RabbitHouse) -> None:
    # The server runs in a session of its own below the script that was started.
    pid = int((house.folder / "rabbitmq" / "pid").read_text())
    os.kill(pid, signal.SIGKILL)
    process = house.processes.pop("rabbitmq")
    process.wait(20)


def _control(house: RabbitHouse, *words: str) -> None:
    environment = house._environment("rabbitmq")
    command = ["/usr/lib/rabbitmq/bin/rabbitmqctl", "-n", environment["RABBITMQ_NODENAME"], *words]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)


def _wait_for_answers(graph: whatsapp.Graph, before: int, count: int) -> None:
    until = time.monotonic() + _FALL_BACK_SECONDS
    while len(_answered(graph, before)) < count and time.monotonic() < until:
        time.sleep(0.1)
    time.sleep(2)  # a second answer would come now


if __name__ == "__main__":
    sys.exit(main())
