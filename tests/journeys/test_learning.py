"""A change of the answers reaches every process within seconds; a killed training harms nothing."""

import itertools
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests import whatsapp
from tests.encoder import encoder as encoder
from tests.house import House, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.usefixtures("encoder")]
_senders = (f"23480{number:08d}" for number in itertools.count(55_000_000))
IN_SHOP = """
import json
from datetime import timedelta
from lib import clock
from faqs import entries, freshness, versions
from workspaces import registry, scope
from workspaces.models import Workspace
with scope.system():
    space = Workspace.objects.get(slug="shop")
with scope.workspace(space):
"""


def in_shop(house: House, *lines: str) -> Any:
    return house.script(IN_SHOP + "\n".join(f"    {line}" for line in lines))


def is_trained(house: House) -> bool:
    return bool(in_shop(house, "print(json.dumps(freshness.is_trained()))"))


@pytest.fixture
def shop(house: House) -> Iterator[House]:
    """The house with a model of the shop's entries."""
    in_shop(house, "versions.ask_for_training()", "print(1)")
    wait_until(lambda: is_trained(house), "the entries are learnt", house, seconds=30)
    yield house
    if "bulk" not in house.processes:
        house.start("bulk")
    in_shop(
        house,
        "from faqs.models import Entry",
        "versions.bump()",
        "Entry.objects.filter(faq_id__startswith='bulk_').delete()",
        "print(1)",
    )


def reply_to(house: House, graph: whatsapp.Graph, text: str) -> str:
    """Ask as a new customer; return what came back."""
    sender = next(_senders)
    house.webhook(whatsapp.text(text, wamid=f"wamid.{sender}", sender=sender))
    found: list[dict[str, Any]] = []

    def is_answered() -> bool:
        found[:] = [m for m in list(graph.messages) if m.get("to") == sender]
        return bool(found)

    wait_until(is_answered, "an answer goes out", house, seconds=10)
    return str(found[0].get("text", {}).get("body", ""))


def test_a_change_is_answered_by_all_processes_within_seconds(
    shop: House, graph: whatsapp.Graph
) -> None:
    asked = "abeg una fit monogram my bathrobe?"
    assert "embroider" not in reply_to(shop, graph, asked)

    in_shop(
        shop,
        "entries.create(question='Do you put initials on robes?', answer='Yes, we embroider.',"
        " phrasings=['monogram on a bathrobe'], now=clock.now())",
        "print(1)",
    )
    changed = time.monotonic()
    wait_until(
        lambda: "embroider" in reply_to(shop, graph, asked), "the new answer", shop, seconds=10
    )

    assert time.monotonic() - changed < 5
    said = shop.manage_json("ask", "--workspace", "shop", asked)
    assert said["answer"] == "Yes, we embroider."


def test_a_training_killed_in_the_middle_leaves_the_old_answers(
    shop: House, graph: whatsapp.Graph
) -> None:
    before = model_of(shop)
    in_shop(
        shop,
        "from faqs import checking",
        "with __import__('django').db.transaction.atomic():",
        "    versions.bump()",
        "    entries.insert({f'bulk_{n}': checking.draft(question=f'Do you stock item {n} of list"
        " {n * 7}?', answer='Yes.', category='', keywords='', phrasings=[f'is item {n} there',"
        " f'any more of {n * 7}'], is_active=True) for n in range(600)}, now=clock.now())",
        "print(1)",
    )
    wait_until(lambda: bool(holders(shop)), "the training begins", shop, seconds=20)
    shop.kill("bulk")

    assert model_of(shop) == before
    assert not is_trained(shop)
    assert "embroider" in reply_to(shop, graph, "monogram on a bathrobe please")
    shop.start("bulk")
    in_shop(shop, "versions.ask_for_training()", "print(1)")
    wait_until(lambda: is_trained(shop), "the killed training is made up for", shop, seconds=60)
    assert "embroider" in reply_to(shop, graph, "monogram on a bathrobe pls")


def model_of(house: House) -> int:
    return int(in_shop(house, "print(versions.current().model)"))


def holders(house: House) -> list[Any]:
    return house.sql(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = 1717662067"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
