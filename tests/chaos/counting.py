"""What a fault did to the customers: counted from what was offered and what WhatsApp took."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.bench.traffic import Offered
from tests.simulated import Send

# A message is answered normally within this, from the moment WhatsApp first offered it.
NORMAL_SECONDS = 2.0
LOST_AFTER_SECONDS = 60.0


@dataclass
class Outcome:
    """What one run came to."""

    offered: int = 0
    lost: list[str] = field(default_factory=list)  # never answered
    twice: list[str] = field(default_factory=list)  # got two different replies of ours
    duplicates: int = 0  # the provider took the same send of ours again
    recover_seconds: float = 0.0
    slowest_seconds: float = 0.0
    open_after: int = 0  # offered well before the fault was over, answered only after it


def count(
    *,
    offered: Sequence[Offered],
    customers: Mapping[str, str],
    sends: Iterable[Send],
    fault_over: float,
    written_twice: Iterable[str] = (),
) -> Outcome:
    """Return what became of the messages. Each is of another customer (`customers` by id).

    `written_twice` names customers' messages to which our tables hold two replies, whether or
    not both went out.
    """
    replies: dict[str, list[Send]] = {}
    for send in sends:
        replies.setdefault(send.to, []).append(send)
    outcome = Outcome(offered=len(offered), twice=list(written_twice))
    for offer in offered:
        got = replies.get(customers[offer.id], [])
        distinct = {send.opaque for send in got}
        outcome.duplicates += len(got) - len(distinct)
        if len(distinct) > 1 and offer.id not in outcome.twice:
            outcome.twice.append(offer.id)
        taken_at = min((send.taken_at for send in got), default=0.0)
        if not taken_at or taken_at - offer.first > LOST_AFTER_SECONDS:
            outcome.lost.append(offer.id)
            taken_at = offer.first + LOST_AFTER_SECONDS
        took = taken_at - offer.first
        outcome.slowest_seconds = max(outcome.slowest_seconds, took)
        outcome.open_after += offer.first + NORMAL_SECONDS < fault_over < taken_at
        if took > NORMAL_SECONDS and taken_at > fault_over:
            # It was still open after the fault, or came after it: until its answer nothing is
            # normal yet.
            outcome.recover_seconds = max(outcome.recover_seconds, taken_at - fault_over)
    return outcome
