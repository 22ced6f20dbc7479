"""Real workers: stuck ones end, those asked to end finish what they have, none needs the broker to begin."""

import json
import time
from collections.abc import Iterator

import pytest

from tests import whatsapp
from tests.house import ROOT, House, wait_until

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with whatsapp.graph() as graph:
        house = House(
            tmp_path_factory.mktemp("workers"), database="backroom_workers", graph_url=graph.url
        )
        house.environment |= {
            "WATCHDOG_SECONDS": "4",
            "STUCK_WHILE": str(house.folder / "stuck"),
            "SLOW_WHILE": str(house.folder / "slow"),
        }
        try:
            house.manage("migrate", "--noinput", "-v0")
            house.manage(
                "workspace_create", "--name", "Shop", "--slug", "shop", "--owner", "o@shop.example"
            )
            house.manage(
                "faq_import",
                "--workspace",
                "shop",
                str(ROOT / "faqs/templates_data/fabric_shop.csv"),
            )
            house.manage(
                "connection_add", "--workspace", "shop", "--phone", "+15550783881",
                "--phone-number-id", whatsapp.NUMBER_ID, "--waba-id", whatsapp.ACCOUNT_ID,
                "--access-token", "token",
            )  # fmt: skip
            yield house
        finally:
            house.stop()
            house.drop_database()


@pytest.fixture
def house(built: House) -> Iterator[House]:
    yield built
    for name in ("stuck", "slow"):
        (built.folder / name).unlink(missing_ok=True)
    built.stop()


def say(house: House, wamid: str, count: int = 1) -> None:
    for n in range(count):
        payload = whatsapp.text(
            "what are your opening hours?", wamid=f"{wamid}{n}", sender=f"23480612{n:05d}"
        )
        assert house.webhook(payload) == 200


def count_in(house: House, state: str) -> int:
    number: int = house.sql(
        f"SELECT count(*) FROM connections_inboundevent WHERE kind = 'message' AND state = '{state}'"
    )[0][0]
    return number


def test_a_stuck_worker_ends_and_the_next_one_goes_on(house: House) -> None:
    (house.folder / "stuck").touch()
    house.start("redis", "web")
    house.start("worker", modules=["tests.config.stuck"])
    say(house, "wamid.STUCK")

    process = house.processes.pop("worker")
    code = process.wait(60)

    assert code == 75
    assert count_in(house, "pending") == 1
    said = [json.loads(line) for line in house.log("worker").splitlines() if line.startswith("{")]
    assert [e["problem"] for e in said if e["event"] == "config.watchdog.ended"]

    (house.folder / "stuck").unlink()
    house.start("worker")
    wait_until(lambda: count_in(house, "pending") == 0, "the message is dealt with", house)


def test_a_worker_begins_its_work_without_a_broker(house: House) -> None:
    house.start("web")
    say(house, "wamid.ALONE")

    house.spawn("worker")

    wait_until(lambda: count_in(house, "pending") == 0, "the message is dealt with", house)


def test_asked_to_end_a_worker_finishes_its_batch_and_takes_no_more(house: House) -> None:
    (house.folder / "slow").touch()
    house.start("redis", "web")
    house.start("worker", modules=["tests.config.stuck"])
    say(house, "wamid.LAST", 3)
    in_hand = "(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    in_hand += " AND state = 'idle in transaction')"
    wait_until(lambda: house.sql(f"SELECT {in_hand}")[0][0] > 0, "a batch is in hand", house)

    process = house.processes.pop("worker")
    process.terminate()
    time.sleep(0.3)
    (house.folder / "slow").unlink()
    code = process.wait(20)

    done = count_in(house, "done")
    assert code == 0
    assert done > 0
    assert house.sql(f"SELECT {in_hand}")[0][0] == 0
    house.start("worker")
    wait_until(lambda: count_in(house, "pending") == 0, "the rest is dealt with", house)
    answers = house.sql("SELECT count(*) FROM connections_outboundjob WHERE kind <> 'typing'")
    assert answers[0][0] == count_in(house, "done")
