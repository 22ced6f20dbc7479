"""Chats survive a restart: a copy in a file, written whole or not at all, every few seconds."""

import atexit
import json
import logging
import os
import threading
import time
from pathlib import Path

from connections.simulator import inbound, sending, stage
from connections.simulator.records import Json, Message, Number
from connections.simulator.world import World

_log = logging.getLogger(__name__)

SAVE_SECONDS = 2.0
SAVE_SHARE = 100  # a copy is made at most every so many times of what one takes
KEEP_MESSAGES = 2_000
RESUME_SECONDS = 600.0


def snapshot(world: World) -> Json:
    """Return numbers, the customers who wrote and the latest messages as plain JSON."""
    with world.lock:
        messages = world.messages()[-KEEP_MESSAGES:]
        people = {m.customer: c for m in messages if (c := world.customer(m.customer))}
        return {
            "numbers": [vars(n) for n in world.numbers()],
            "customers": [vars(c) for c in people.values()],
            # Copies: what goes on meanwhile may put a reaction to a message.
            "messages": [{**vars(m), "reactions": dict(m.reactions)} for m in messages],
        }


def save(world: World, path: Path) -> None:
    """Write the copy beside the file and put it in its place in one step."""
    world.is_dirty = False
    text = json.dumps(snapshot(world), separators=(",", ":"))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    part.replace(path)


def load(world: World, path: Path) -> list[Message]:
    """Read the copy into `world` and return its messages; a broken file is left aside."""
    try:
        kept = json.loads(path.read_text())
        numbers = [Number(**item) for item in kept["numbers"]]
        messages = [Message(**item) for item in kept["messages"]]
        people = kept["customers"]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError, OSError):
        _log.warning("The simulator's file could not be read; it starts afresh.")
        return []
    for number in numbers:
        world.register(number)
    for person in people:
        world.meet(
            person["wa_id"] or person["user_id"], name=person["name"], username=person["username"]
        )
    for message in messages:
        reactions = dict(message.reactions)
        world.add(message).reactions = reactions
    return messages


def resume(messages: list[Message]) -> None:
    """Go on with what was under way: webhooks not taken yet, statuses not reported yet."""
    since = time.time() - RESUME_SECONDS
    for message in messages:
        if message.at < since:
            continue
        if message.direction == "in" and message.status == "sent":
            inbound.deliver_again(message)
        elif message.direction == "out" and message.status in ("accepted", "sent"):
            sending.progress(message)


def start(path: Path) -> None:
    """Load the file and keep it up to date from now on."""
    resume(load(stage.world, path))

    def keep_saving() -> None:
        while True:
            started = time.monotonic()
            _save_if_dirty(path)
            # A flood is not to spend its time on copies of itself.
            time.sleep(max(SAVE_SECONDS, SAVE_SHARE * (time.monotonic() - started)))

    threading.Thread(target=keep_saving, name="persistence", daemon=True).start()
    atexit.register(_save_if_dirty, path)


def _save_if_dirty(path: Path) -> None:
    if stage.world.is_dirty:
        try:
            save(stage.world, path)
        except OSError:
            _log.exception("The simulator's file could not be written.")
