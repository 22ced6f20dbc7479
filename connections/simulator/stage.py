"""The one simulator of this process: its memory, switches, clock, deliveries and media."""

import threading
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from connections.simulator.clockwork import Clockwork
from connections.simulator.delivery import Deliveries, Update
from connections.simulator.faults import Faults
from connections.simulator.media import MediaStore
from connections.simulator.records import Json
from connections.simulator.world import World


@dataclass
class Request:
    """One call of the Graph API, as it came and as it was answered (0: no answer yet)."""

    at: float
    method: str
    path: str
    phone_number_id: str
    body: Json = field(default_factory=dict)
    status: int = 0
    code: int = 0
    ms: int = 0


def _mark_delivered(update: Update) -> None:
    """Two ticks: the business's server has taken the customer's message."""
    if update.kind == "message":
        for message_id in update.ids:
            if message := world.message(update.phone_number_id, message_id):
                world.advance(message, "delivered")


default_callback_url = f"{settings.EDGE_URL}/webhooks/whatsapp/"
world = World(keep=getattr(settings, "SIMULATOR_KEEP", 2_000))
faults = Faults()
clock = Clockwork()
media = MediaStore()
requests: deque[Request] = deque(maxlen=2_000)
deliveries = Deliveries(
    world=world,
    faults=faults,
    default_url=default_callback_url,
    on_taken=_mark_delivered,
)
state_file: Path | None = getattr(settings, "SIMULATOR_STATE_FILE", None)
# How many requests may hang at once: each holds a thread of the server.
hanging = threading.BoundedSemaphore(10)


def start() -> None:
    """Start the threads; harmless when they run already."""
    clock.start()
    deliveries.start()


def reset(*, forget_numbers: bool = False) -> None:
    """Forget chats, faults, waiting webhooks and logs."""
    clock.clear()
    deliveries.clear()
    faults.clear()
    requests.clear()
    world.reset(forget_numbers=forget_numbers)
