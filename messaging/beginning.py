"""The way from a new business to a live bot: what of it is done, what comes next, on which page.

`workspaces.onboarding` keeps what people did and left; whether there is a number and whether there
are answers is asked of the rooms that have them, so that a step never claims what is not so.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from connections.models import Connection
from faqs import browsing
from lib import phones
from workspaces import onboarding
from workspaces.models import Invitation, Member, Workspace

WANTED_QUESTIONS = 3
_WELL = (Connection.State.CONNECTED, Connection.State.SILENT, Connection.State.RECONNECTING)
# Pages beside the steps' own on which the steps go on being shown.
_PLACES = {
    "connections:connection-add": "number",
    "connections:link-show": "number",
    "connections:connection-list": "number",
    "connections:connection-show": "number",
    "connections:pretend-show": "number",
    "faqs:import-show": "answers",
    "faqs:entry-list": "answers",
    "faqs:entry-new": "answers",
    "faqs:starter-list": "answers",
    "messaging:batch-try": "try",
}


@dataclass(frozen=True)
class Step:
    """One step: `state` is done, left (for later) or open."""

    code: str
    label: str
    title: str
    verb: str  # of the button that leads there
    place: str  # URL name
    state: str
    note: str

    @property
    def is_done(self) -> bool:
        return self.state == "done"


@dataclass(frozen=True)
class Beginning:
    """All steps in their order, and where one is."""

    steps: Sequence[Step]
    here: str  # the step that the page belongs to; empty: none
    is_open: bool
    is_hidden: bool

    @property
    def current(self) -> Step | None:
        """Return the step that the page belongs to."""
        return next((step for step in self.steps if step.code == self.here), None)

    @property
    def next_step(self) -> Step | None:
        """Return the first step that is neither done nor left, else the first that was left."""
        rest = [step for step in self.steps if not step.is_done]
        return next((step for step in rest if step.state == "open"), rest[0] if rest else None)

    @property
    def done_count(self) -> int:
        return sum(step.is_done for step in self.steps)

    @property
    def is_whole(self) -> bool:
        return self.done_count == len(self.steps)


@dataclass(frozen=True)
class Extra:
    """Something that helps once the bot is live, and can as well be left alone."""

    title: str
    note: str
    verb: str
    place: str
    is_done: bool


def step_of(view_name: str) -> str:
    """Return the step that a page belongs to, by its URL name; empty: none."""
    own = {onboarding.place_of(step): step for step in onboarding.STEPS}
    return own.get(view_name) or _PLACES.get(view_name, "")


def extras(*, workspace: Workspace) -> list[Extra]:
    """Return what is offered after the steps; none to those whom nobody led through them."""
    setup = onboarding.freshen(workspace)
    if not setup.is_led:
        return []
    has_company = (
        Member.objects.filter(workspace=workspace).count() > 1
        or Invitation.objects.filter(workspace=workspace).exists()
    )
    return [
        Extra(
            _("Invite a teammate"),
            _("They answer customers from their own phone or computer."),
            _("Invite"),
            "workspaces:team-show",
            has_company,
        ),
        Extra(
            _("Share your link"),
            _("A link and a poster bring customers to your number."),
            _("Share"),
            "messaging:share-show",
            "share" in setup.done,
        ),
        Extra(
            _("See your plan"),
            _("What it holds, and how much of it is used."),
            _("See it"),
            "billing:usage-show",
            "usage" in setup.done,
        ),
    ]


def of(*, workspace: Workspace, here: str = "") -> Beginning:
    """Return how far the workspace in scope is. Three statements."""
    setup = onboarding.freshen(workspace)
    numbers = list(
        Connection.objects.filter(workspace=workspace)
        .order_by("pk")
        .values_list("phone", "state", "provider")
    )
    phone = next((phone for phone, state, _kind in numbers if state in _WELL), "")
    answers = browsing.count()
    tried = setup.counts.get("tried", 0)
    facts = {
        "business": (bool(workspace.kind), workspace.name),
        "number": (bool(phone), phones.show(phone)),
        "answers": (
            answers > 0,
            ngettext("%(n)d answer", "%(n)d answers", answers) % {"n": answers} if answers else "",
        ),
        "try": (
            tried >= WANTED_QUESTIONS and bool(setup.counts.get("judged")),
            ngettext("%(n)d question tried", "%(n)d questions tried", tried) % {"n": tried}
            if tried
            else "",
        ),
        "live": (setup.live_at is not None, ""),
    }
    # Made by a command: nobody was led through the steps, and the bot has been on from the start.
    if not setup.is_led:
        facts |= dict.fromkeys(("business", "try", "live"), (True, ""))
    words = {
        "business": (_("Business"), _("Tell us about your business"), _("Start")),
        "number": (_("WhatsApp"), _("Connect WhatsApp"), _("Connect")),
        "answers": (_("Answers"), _("Add your answers"), _("Add")),
        "try": (_("Try it"), _("Try the bot"), _("Try it")),
        "live": (_("Go live"), _("Go live"), _("Start")),
    }
    return Beginning(
        steps=[
            Step(
                code,
                *words[code],
                onboarding.place_of(code),
                "done" if facts[code][0] else "left" if code in setup.left else "open",
                facts[code][1],
            )
            for code in onboarding.STEPS
        ],
        here=here,
        is_open=setup.is_open,
        is_hidden=setup.is_hidden,
    )
