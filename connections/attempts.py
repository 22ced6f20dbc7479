"""How linking a phone looks to the person who waits for it: one step, one sentence, one button."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from connections import lifecycle
from connections.lifecycle import Pairing
from connections.linked.models import LinkedSession
from connections.models import Connection, ConnectionEvent
from lib import phones
from workspaces.models import Workspace

State = Connection.State
Wanted = LinkedSession.Wanted

# How often the page looks: often while somebody stands there with a phone, then less, then no more.
_OFTEN, _SELDOM = 3, 10
_OFTEN_FOR, _AT_ALL_FOR = timedelta(minutes=2), timedelta(minutes=15)

# What the one button of a step does.
AGAIN, BY_QR, BY_CODE, CLOUD, TRY, PLAN, NUMBERS = (
    "again", "qr", "code", "cloud", "try", "plan", "numbers",
)  # fmt: skip
_UNDER_WAY = (State.CONNECTING, State.WAITING_FOR_SCAN)
_TITLES = {
    State.LOGGED_OUT: "Logged out by the phone",
    State.NEEDS_PASSKEY: "WhatsApp asks for a passkey",
    State.BLOCKED: "Blocked by WhatsApp",
}


@dataclass(frozen=True)
class Attempt:
    """What there is to see of a phone that is being linked, at one moment."""

    connection: Connection
    step: str  # waiting, shown, checking, connected, reconnecting, failed
    title: str
    sentence: str
    next: str  # one of the words above, or "": wait
    method: str  # qr or code
    phone: str  # E.164: for whom a code is made; "" when nobody knows
    pairing: Pairing | None
    seconds_left: int | None  # until the pairing is replaced, or the next try
    pace: int  # seconds between two looks; 0: none any more

    @property
    def is_under_way(self) -> bool:
        """Say whether the phone can still be linked without beginning anew."""
        return self.step in ("waiting", "shown", "checking")

    @property
    def public_title(self) -> str:
        """Return the title for a screen of somebody else's: no number, and no reason of a failure."""
        return {"connected": "Connected", "failed": "No code at the moment"}.get(
            self.step, self.title
        )

    @property
    def tone(self) -> str:
        """Return how the step looks: good, wait, bad, or nothing."""
        return {"connected": "good", "failed": "bad", "shown": ""}.get(self.step, "wait")

    @property
    def shown_mark(self) -> str:
        """Return what changes with the code that is shown: it travels only then."""
        pairing = self.pairing
        return _digest(pairing.kind, pairing.value, str(pairing.expires_at)) if pairing else ""

    @property
    def mark(self) -> str:
        """Return what changes with anything that is to be seen."""
        facts = (self.step, self.title, self.sentence, self.next, self.shown_mark, str(self.pace))
        return _digest(*facts)


def look(*, connection: Connection, opened_at: datetime, now: datetime) -> Attempt:
    """Return how linking `connection` stands, for a page that was opened at `opened_at`.

    Call in the workspace's scope.
    """
    session = LinkedSession.objects.get(connection=connection)
    pairing = lifecycle.get_qr(connection=connection, now=now)
    step, title, sentence, following = _seen(connection, session, pairing)
    is_shown = step == "shown"
    ends_at = pairing.expires_at if pairing and is_shown else None
    if step == "reconnecting":
        ends_at = session.state_until
    return Attempt(
        connection=connection,
        step=step,
        title=title,
        sentence=sentence,
        next=following,
        method=str(session.link_method),
        phone=session.link_phone or connection.phone,
        pairing=pairing if is_shown else None,
        seconds_left=max(0, round((ends_at - now).total_seconds())) if ends_at else None,
        pace=_pace(connection, opened_at, now),
    )


def begun(*, workspace: Workspace) -> Connection | None:
    """Return the phone that somebody has begun to link and not finished, the newest of them."""
    waiting = Connection.objects.filter(
        workspace=workspace, provider=lifecycle.LINKED, phone="", state__in=_UNDER_WAY
    )
    return waiting.order_by("-pk").first()


def _seen(
    connection: Connection, session: LinkedSession, pairing: Pairing | None
) -> tuple[str, str, str, str]:
    """Return step, title, sentence, and what the one button does."""
    state, reason = State(connection.state), connection.state_reason
    is_taken_up = session.linked_serial >= session.link_serial
    is_wanted = session.wanted == Wanted.ON
    if is_wanted and not is_taken_up and state in (State.NOT_CONNECTED, State.LOGGED_OUT):
        # A late word about the attempt before this one.
        state, reason = State.CONNECTING, ""
    if state in _UNDER_WAY:
        if pairing is not None:
            is_code = pairing.kind == LinkedSession.Method.CODE
            title = "Waiting for the code" if is_code else "Waiting for the scan"
            return "shown", title, "", ""
        if session.state == "connecting" and session.state_reason == "scanned" and is_taken_up:
            return "checking", "Scanned, checking", reason or "WhatsApp is being asked.", ""
        if state == State.WAITING_FOR_SCAN:
            return "waiting", "A new code is coming", "The last one is used up.", ""
        return "waiting", "Getting a code from WhatsApp", reason or "A few seconds.", ""
    if state in (State.CONNECTED, State.SILENT):
        number = phones.show(connection.phone)
        return "connected", f"Connected {number}".strip(), reason, TRY
    if state == State.RECONNECTING:
        return "reconnecting", "Reconnecting", reason, ""
    title, following = _failure(connection, session)
    return "failed", title, reason or "Nothing on the phone has changed.", following


def _failure(connection: Connection, session: LinkedSession) -> tuple[str, str]:
    state, code = State(connection.state), connection.state_code
    if state in (State.NEEDS_PASSKEY, State.BLOCKED):
        is_for_a_while = state == State.BLOCKED and session.state_until is not None
        return _TITLES[state], "" if is_for_a_while else CLOUD
    if state == State.LOGGED_OUT:
        return _TITLES[state], AGAIN
    if code == "disconnected":
        return "Disconnected", AGAIN
    if code == "held":
        return "The number is taken", NUMBERS
    if code in ("not_served", "stopped"):
        return "The plan has ended", PLAN
    if session.state == "expired":
        if session.state_reason == "code_refused":
            return "The code was not accepted", BY_QR
        if session.state_reason == "no_phone":
            return "The number is missing", BY_CODE
        if session.state_reason == "not_scanned":
            return "Nobody scanned in time", AGAIN
        return "Could not link", AGAIN
    return "Not connected", AGAIN


def _pace(connection: Connection, opened_at: datetime, now: datetime) -> int:
    """Return how long to wait before the next look; whatever happens begins it anew."""
    # Codes come and go while nobody scans: there only the beginning counts.
    since = connection.state_changed_at
    if connection.state in _UNDER_WAY:
        begun = ConnectionEvent.objects.filter(connection=connection, kind="linking")
        since = begun.order_by("-at").values_list("at", flat=True).first() or since
    age = now - max(since, min(opened_at, now))
    if age < _OFTEN_FOR:
        return _OFTEN
    return _SELDOM if age < _AT_ALL_FOR else 0


def _digest(*facts: str) -> str:
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:12]
