"""A phone is linked, customers are answered on it, and it is unlinked: with every part real.

The phones are on a local WhatsApp server, which the bridge connects to as it would to the real one.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import simulated
from tests.house import House, fetch, require_bridge, wait_until
from tests.whatsapp_lines import within

pytestmark = pytest.mark.processes

ADIRE, BAKERY, CHEMIST = "2348020000001", "2348020000002", "100200300400501"
QUESTION = "What time do you open and close?"
HOURS = {
    "adire": "Adire: we open at 8.",
    "bakery": "Bakery: we open at 6.",
    "chemist": "Chemist: we never close.",
}
_BEGIN = """
import json
from connections import lifecycle
from connections.models import Connection
from lib import clock
from workspaces import registry, scope
space = registry.by_slug({slug!r})
with scope.workspace(space):
    known = Connection.objects.filter(provider="linked_device").first()
    begun = lifecycle.create_connection(
        workspace=space, actor=None, now=clock.now(), connection=known, method={method!r}, phone={phone!r}
    )
print(json.dumps(begun.pk))
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Three workspaces with answers of their own; the third is on the Cloud API's simulator."""
    require_bridge()
    folder = tmp_path_factory.mktemp("linked-house")
    house = House(folder, database="backroom_linked_journey")
    try:
        house.manage("migrate", "--noinput", "-v0")
        for slug, answer in HOURS.items():
            _make_workspace(house, slug, answer)
        house.start(
            "redis", "edge", "simulator", "whatsapp", "web", "worker", "sender", "bulk", "beat", "bridge"
        )  # fmt: skip
        house.whatsapp.add_account(ADIRE, name="Adire & Lace")
        house.whatsapp.add_account(BAKERY, name="Bakery")
        _connect_chemist(house)
        yield house
    finally:
        house.stop()
        house.drop_database()


def _make_workspace(house: House, slug: str, answer: str) -> None:
    house.manage(
        "workspace_create", "--name", slug.title(), "--slug", slug,
        "--owner", f"owner@{slug}.example", "--country", "NG",
    )  # fmt: skip
    answers = Path(house.folder, f"{slug}.csv")
    answers.write_text(f'question,answer\n"{QUESTION}","{answer}"\n')
    house.manage("faq_import", "--workspace", slug, str(answers))


def _connect_chemist(house: House) -> None:
    house.manage(
        "connection_add", "--workspace", "chemist", "--provider", "simulator",
        "--phone", "+2348020000003", "--phone-number-id", CHEMIST, "--waba-id", "500400300200101",
        "--access-token", "simulator",
    )  # fmt: skip
    number = {
        "phone_number_id": CHEMIST, "waba_id": "500400300200101", "name": "Chemist",
        "display_phone_number": "+2348020000003", "app_secret": house.secret,
    }  # fmt: skip
    simulated.register(house.simulator_url, numbers=[number])


def begin(house: House, slug: str, *, method: str = "qr", phone: str = "") -> int:
    """Ask for a linking attempt; return the connection's id."""
    found: int = house.script(_BEGIN.format(slug=slug, method=method, phone=phone))
    return found


def shown(house: House, connection: int) -> str:
    """Wait for the QR code, or the code to type, and return it."""
    found: list[str] = []

    def is_shown() -> bool:
        rows = house.sql(
            "SELECT pairing->>'value' FROM connections_linkedsession WHERE pairing IS NOT NULL"
            f" AND linked_serial = link_serial AND connection_id = {connection}"
        )
        found.extend(str(value) for (value,) in rows)
        return bool(found)

    wait_until(is_shown, "the code is shown", house, seconds=20)
    return found[-1]


def state(house: House, connection: int) -> str:
    """Return how the number looks to its owner."""
    ((word,),) = house.sql(f"SELECT state FROM connections_connection WHERE id = {connection}")
    return str(word)


def link(house: House, slug: str, phone: str) -> int:
    """Link a phone by QR; it must be connected within five seconds of the scan."""
    connection = begin(house, slug)
    scan = house.whatsapp.scan(phone, shown(house, connection))
    assert scan.outcome == "linked", scan.say
    within(5, lambda: state(house, connection) == "connected", "the number is connected")
    return connection


def linked(house: House, slug: str, phone: str) -> int:
    """Return the connection of a phone that is linked, after linking it if it was not."""
    rows = house.sql(
        "SELECT c.id FROM connections_connection c JOIN workspaces_workspace w ON w.id = c.workspace_id"
        f" WHERE w.slug = '{slug}' AND c.state = 'connected'"
    )
    return int(rows[0][0]) if rows else link(house, slug, phone)


def test_a_scanned_phone_answers_its_customers(house: House) -> None:
    link(house, "adire", ADIRE)

    house.whatsapp.customer_writes("2348070000001", to=ADIRE, text=QUESTION, hides_phone=True)
    house.whatsapp.customer_writes("2348070000002", to=ADIRE, text=QUESTION, by="phone")

    assert house.whatsapp.await_answer("2348070000001", of=ADIRE) == [HOURS["adire"]]
    assert house.whatsapp.await_answer("2348070000002", of=ADIRE) == [HOURS["adire"]]


def test_what_the_owner_writes_on_the_phone_takes_the_conversation_over(house: House) -> None:
    linked(house, "adire", ADIRE)
    customer, other = "2348070000003", "2348070000004"
    house.whatsapp.customer_writes(customer, to=ADIRE, text=QUESTION)
    house.whatsapp.await_answer(customer, of=ADIRE)

    house.whatsapp.owner_writes(ADIRE, to=customer, text="Ada here, I will see to it.")
    house.whatsapp.await_answer(customer, of=ADIRE, count=2)
    wait_until(lambda: _is_held(house, "adire"), "a person holds the conversation", house)
    house.whatsapp.customer_writes(customer, to=ADIRE, text=QUESTION)
    house.whatsapp.customer_writes(other, to=ADIRE, text=QUESTION)

    assert house.whatsapp.await_answer(other, of=ADIRE) == [HOURS["adire"]]
    expected = [HOURS["adire"], "Ada here, I will see to it."]
    assert house.whatsapp.received(customer, of=ADIRE) == expected


def test_a_phone_that_was_unlinked_is_told_and_linked_again(house: House) -> None:
    before = linked(house, "bakery", BAKERY)

    house.whatsapp.unlink(BAKERY)
    within(5, lambda: state(house, before) == "logged_out", "the number is logged out")
    again = link(house, "bakery", BAKERY)
    house.whatsapp.customer_writes("2348070000005", to=BAKERY, text=QUESTION)

    assert again == before
    assert house.whatsapp.await_answer("2348070000005", of=BAKERY) == [HOURS["bakery"]]


def test_two_linked_phones_and_the_cloud_api_answer_each_its_own(house: House) -> None:
    linked(house, "adire", ADIRE)
    linked(house, "bakery", BAKERY)
    customers = ("2348071000001", "2348071000002", "2348071000003")

    for customer in customers:
        house.whatsapp.customer_writes(customer, to=ADIRE, text=QUESTION)
        house.whatsapp.customer_writes(customer, to=BAKERY, text=QUESTION)
        _write_to_chemist(house, customer)

    for customer in customers:
        assert house.whatsapp.await_answer(customer, of=ADIRE) == [HOURS["adire"]]
        assert house.whatsapp.await_answer(customer, of=BAKERY) == [HOURS["bakery"]]
    wait_until(lambda: len(_of_chemist(house)) == 3, "the third is answered", house)
    assert set(_of_chemist(house)) == {HOURS["chemist"]}


def test_neither_customers_nor_codes_reach_a_log(house: House) -> None:
    linked(house, "adire", ADIRE)
    customer, text = "2348079998877", "canary-text-5521: what time do you open and close?"
    house.whatsapp.customer_writes(customer, to=ADIRE, text=text, by="phone")
    house.whatsapp.await_answer(customer, of=ADIRE)
    qr = shown(house, begin(house, "chemist"))
    keys = [part for part in qr.split(",") if len(part) > 9]

    logs = house.logs()

    assert "bridge.session.changed" in logs
    assert len(keys) >= 4
    for canary in (customer, "canary-text-5521", HOURS["adire"], *keys):
        assert canary not in logs


def _is_held(house: House, slug: str) -> bool:
    ((schema,),) = house.sql(f"SELECT schema_name FROM workspaces_workspace WHERE slug = '{slug}'")
    rows = house.sql(f"SELECT count(*) FROM {schema}.messaging_message WHERE author = 'phone'")
    return bool(rows[0][0])


def _write_to_chemist(house: House, customer: str) -> None:
    body = json.dumps({"phone_number_id": CHEMIST, "from": customer, "text": QUESTION}).encode()
    headers = {"Content-Type": "application/json"}
    code, _ = fetch(f"{house.simulator_url}/control/inbound", body=body, headers=headers)
    assert code == 201


def _of_chemist(house: House) -> list[str]:
    _, answer = fetch(f"{house.simulator_url}/control/messages?direction=out&limit=100")
    return [str(one["text"]) for one in json.loads(answer)["messages"]]
