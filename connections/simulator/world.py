"""The simulator's memory: one process, one lock, everything bounded, no database."""

import heapq
import itertools
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from connections.simulator import records
from connections.simulator.records import Customer, Message, Number

KEEP_CUSTOMERS = 20_000
KEEP_CHAT = 300
KEEP_SENDS = 50_000
TYPING_SECONDS = 25.0

PRESETS = (
    ("Chiamaka Okafor", "2348035550142", ""),
    ("Tunde Bakare", "2348065550178", ""),
    ("Halima Bello", "2347035550199", ""),
    ("Blessing Eze", "2349015550123", ""),
    ("Kwame Mensah", "233245550188", ""),
    ("Emeka Nwosu", "", "emeka.n"),
)


@dataclass
class Chat:
    """What belongs to one business number and one customer."""

    message_ids: deque[str] = field(default_factory=lambda: deque(maxlen=KEEP_CHAT))
    last_at: float = 0.0
    last_inbound_at: float = 0.0
    typing_until: float = 0.0
    last_text: str = ""


class World:
    """All numbers, customers and messages. Every public method takes the lock itself."""

    def __init__(self, *, keep: int = 2_000) -> None:
        self.keep = keep
        self.lock = threading.RLock()
        self.revision = 1
        self.is_dirty = False
        self._clear()

    def _clear(self) -> None:
        # Changes with every start and reset: a page that was open then loads everything again.
        self.epoch = secrets.token_hex(6)
        self._numbers: dict[str, Number] = {}
        self._customers: dict[str, Customer] = {}
        self._by_user_id: dict[str, str] = {}
        self._messages: dict[str, dict[str, Message]] = {}
        self._chats: dict[tuple[str, str], Chat] = {}
        self._free: dict[tuple[str, str], int] = {}
        self._accepted: dict[str, int] = {}
        # The sends that were accepted, in short: number, to, message id, opaque text, moment.
        self._sends: deque[tuple[str, str, str, str, float]] = deque(maxlen=KEEP_SENDS)
        self._sequence = 0
        for name, phone, username in PRESETS:
            user_id = records.user_id_of(phone or username)
            self._put_customer(Customer(name, phone, user_id, username))

    def reset(self, *, forget_numbers: bool = False) -> None:
        """Forget every message and every customer who was made up; numbers stay unless asked."""
        with self.lock:
            numbers = {} if forget_numbers else self._numbers
            self._clear()
            for number in numbers.values():
                number.blocked = []
                self._numbers[number.phone_number_id] = number
            self.touch()

    def touch(self) -> int:
        """Note that something visible changed; return the new revision."""
        with self.lock:
            self.revision += 1
            self.is_dirty = True
            return self.revision

    # --- Numbers ---------------------------------------------------------------------------
    def register(self, number: Number) -> None:
        """Put a business number, replacing what was known under its id."""
        with self.lock:
            self._numbers[number.phone_number_id] = number
            self.touch()

    def forget_number(self, phone_number_id: str) -> bool:
        """Forget a number and its chats; say whether it was known."""
        with self.lock:
            known = self._numbers.pop(phone_number_id, None) is not None
            self._messages.pop(phone_number_id, None)
            for chat in [c for c in self._chats if c[0] == phone_number_id]:
                del self._chats[chat]
            self.touch()
            return known

    def number(self, phone_number_id: str) -> Number | None:
        """Return the number with this id."""
        return self._numbers.get(phone_number_id)

    def numbers(self, *, waba_id: str = "") -> list[Number]:
        """Return all numbers, or those of one business account."""
        with self.lock:
            return [n for n in self._numbers.values() if not waba_id or n.waba_id == waba_id]

    def count_free(self, phone_number_id: str, month: str) -> int:
        """Count one more reply of the month; return how many there were before it."""
        with self.lock:
            before = self._free.get((phone_number_id, month), 0)
            self._free[phone_number_id, month] = before + 1
            return before

    # --- Customers -------------------------------------------------------------------------
    def _put_customer(self, customer: Customer) -> None:
        self._customers[customer.key] = customer
        self._by_user_id[customer.user_id] = customer.key
        if len(self._customers) > KEEP_CUSTOMERS:
            oldest = next(iter(self._customers))
            self._by_user_id.pop(self._customers.pop(oldest).user_id, None)

    def customer(self, key: str) -> Customer | None:
        """Return the customer with this number (any spelling) or user id."""
        with self.lock:
            if key in self._customers:
                return self._customers[key]
            if key in self._by_user_id:
                return self._customers.get(self._by_user_id[key])
            return self._customers.get(records.digits(key))

    def meet(self, key: str, *, name: str = "", username: str = "") -> Customer:
        """Return the customer with this number or user id, made up if need be; rename if named."""
        with self.lock:
            known = self.customer(key)
            if known is None:
                if records.USER_ID.match(key):
                    known = Customer(name or username or key[:12], "", key, username)
                else:
                    phone = records.digits(key)
                    known = Customer(
                        name or "+" + phone, phone, records.user_id_of(phone), username
                    )
                self._put_customer(known)
                self.touch()
            elif (name and name != known.name) or (username and username != known.username):
                known.name, known.username = name or known.name, username or known.username
                self.touch()
            return known

    def recent_customers(
        self, phone_number_id: str, *, limit: int = 40
    ) -> list[tuple[Customer, Chat]]:
        """Return the customers to show for a number: those who wrote last, then the presets."""
        with self.lock:
            chats = heapq.nlargest(
                limit,
                (
                    (c.last_at, key)
                    for (owner, key), c in self._chats.items()
                    if owner == phone_number_id
                ),
            )
            keys = [key for _, key in chats]
            keys += [
                c.key for c in list(self._customers.values())[: len(PRESETS)] if c.key not in keys
            ]
            return [
                (self._customers[key], self._chats.get((phone_number_id, key), Chat()))
                for key in keys[:limit]
                if key in self._customers
            ]

    # --- Messages --------------------------------------------------------------------------
    def chat(self, chat: tuple[str, str]) -> Chat:
        """Return the chat of (phone_number_id, customer key), made if need be."""
        with self.lock:
            return self._chats.setdefault(chat, Chat())

    def add(self, message: Message) -> Message:
        """Remember a message; the number's oldest one goes when there are too many."""
        with self.lock:
            self._sequence += 1
            message.sequence = self._sequence
            message.revision = self.touch()
            messages = self._messages.setdefault(message.phone_number_id, {})
            messages[message.id] = message
            chat = self.chat(message.chat)
            if message.type == "reaction":
                self._react(message, messages)
            else:
                chat.message_ids.append(message.id)
                chat.last_text = message.text[:80]
            chat.last_at = message.at
            if message.direction == "in":
                chat.last_inbound_at = message.at
            else:
                chat.typing_until = 0.0
            if message.direction == "out":
                owner = message.phone_number_id
                self._accepted[owner] = self._accepted.get(owner, 0) + 1
                self._sends.append(
                    (owner, message.addressed, message.id, message.opaque, message.at)
                )
            while len(messages) > self.keep:
                oldest = messages.pop(next(iter(messages)))
                old_chat = self._chats.get(oldest.chat)
                if old_chat and old_chat.message_ids and old_chat.message_ids[0] == oldest.id:
                    old_chat.message_ids.popleft()
                if old_chat and not old_chat.message_ids and oldest.chat != message.chat:
                    del self._chats[oldest.chat]
            return message

    def _react(self, reaction: Message, messages: dict[str, Message]) -> None:
        content = reaction.content.get("reaction")
        target = messages.get(str(content.get("message_id"))) if isinstance(content, dict) else None
        if target is not None:
            target.reactions.pop(reaction.direction, None)
            if reaction.text:
                target.reactions[reaction.direction] = reaction.text
            target.revision = reaction.revision

    def message(self, phone_number_id: str, message_id: str) -> Message | None:
        """Return a message that is still remembered."""
        return self._messages.get(phone_number_id, {}).get(message_id)

    def advance(self, message: Message, status: str, *, error: records.Json | None = None) -> bool:
        """Move a message forward to `status`; say whether that was a step forward."""
        with self.lock:
            if records.RANK[status] <= records.RANK[message.status]:
                return False
            message.status = status
            message.error = error or message.error
            message.revision = self.touch()
            return True

    def conversation(self, chat: tuple[str, str], *, since: int = 0) -> list[Message]:
        """Return the chat's messages that changed after revision `since`, in order."""
        with self.lock:
            messages = self._messages.get(chat[0], {})
            known = self._chats.get(chat)
            ids: Iterable[str] = known.message_ids if known else ()
            return [m for i in ids if (m := messages.get(i)) is not None and m.revision > since]

    def messages(
        self, *, phone_number_id: str = "", direction: str = "", after: int = 0
    ) -> list[Message]:
        """Return remembered messages in the order they came, of one number or of all."""
        with self.lock:
            owners = [phone_number_id] if phone_number_id else list(self._messages)
            found = [
                m
                for owner in owners
                for m in self._messages.get(owner, {}).values()
                if m.sequence > after and (not direction or m.direction == direction)
            ]
        return sorted(found, key=lambda m: m.sequence)

    def accepted_count(self, phone_number_id: str = "") -> int:
        """Return how many sends were accepted since the start, forgotten ones included."""
        with self.lock:
            if phone_number_id:
                return self._accepted.get(phone_number_id, 0)
            return sum(self._accepted.values())

    def sends(
        self, *, after: int = 0, limit: int = KEEP_SENDS
    ) -> list[tuple[int, str, str, str, str, float]]:
        """Return the accepted sends after the `after`-th since the start, numbered, in order."""
        with self.lock:
            forgotten = sum(self._accepted.values()) - len(self._sends)
            start = max(0, after - forgotten)
            found = itertools.islice(self._sends, start, start + limit)
            return [(forgotten + start + n, *send) for n, send in enumerate(found, 1)]

    def show_typing(self, chat: tuple[str, str]) -> None:
        """Show that the business is writing, until it answers or 25 seconds pass."""
        with self.lock:
            self.chat(chat).typing_until = time.time() + TYPING_SECONDS
            self.touch()
