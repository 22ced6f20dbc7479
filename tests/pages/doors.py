"""Who may do what: every address of a workspace, of a person and of the staff, and its least role.

A line: the URL's name, who may look (GET), who may act (POST), what of tests.pages.furnished its
address names, and what is sent. `tests/pages/test_permissions.py` tries each of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

# Who may less comes first. A "person" has signed in and belongs nowhere; "staff" is ours.
ANYBODY, PERSON, VIEWER, AGENT, MANAGER, OWNER, STAFF = (
    "anybody", "person", "viewer", "agent", "manager", "owner", "staff",
)  # fmt: skip
NOBODY = ""


@dataclass(frozen=True)
class Door:
    """One address. Braces in what is asked for or sent name a thing, too."""

    name: str
    look: str = NOBODY
    act: str = NOBODY
    at: Mapping[str, str] = field(default_factory=dict)  # argument of the address: thing
    asks: Mapping[str, str] = field(default_factory=dict)  # with GET
    sends: Mapping[str, str] = field(default_factory=dict)  # with POST
    has_part: bool = False  # to htmx it answers a part of a page
    is_idle: bool = False  # what is sent is answered, and nothing is kept of it
    hides: bool = False  # who may not is told that there is nothing
    forgives: bool = False  # what is not there (any more) is said in a sentence: a second press

    def __str__(self) -> str:
        return self.name

    @property
    def methods(self) -> dict[str, str]:
        """Return the least role by method."""
        return {name: role for name, role in (("get", self.look), ("post", self.act)) if role}

    def arguments(self, things: Mapping[str, str]) -> dict[str, str]:
        """Return what stands in the address."""
        return {argument: things[thing] for argument, thing in self.at.items()}

    def fields(self, method: str, things: Mapping[str, str]) -> dict[str, str]:
        """Return what is asked for or sent."""
        raw = self.asks if method == "get" else self.sends
        return {name.format(**things): value.format(**things) for name, value in raw.items()}

    def naming(self, method: str) -> set[str]:
        """Return the fields that name a thing of the workspace."""
        raw = self.asks if method == "get" else self.sends
        return {name for name, value in raw.items() if "{" in value}


def _door(name: str, look: str = NOBODY, act: str = NOBODY, *, part: bool = False, idle: bool = False,
          hides: bool = False, forgives: bool = False, asks: Mapping[str, str] | None = None, sends: Mapping[str, str] | None = None, **at: str) -> Door:  # fmt: skip
    return Door(name, look, act, at, asks or {}, sends or {}, part, idle, hides, forgives)


_BUSINESS = {
    "name": "Zobo House", "kind": "fashion", "city": "Ibadan", "country": "NG",
    "time_zone": "Africa/Lagos",
}  # fmt: skip
_ANSWER = {"question": "Do you sell zobo?", "answer": "Yes.", "is_active": "on"}
_BOT = {
    "name": "Zuri", "language": "en", "disclosure": "plain", "preset": "daily",
    "outside": "answer", "unsure": "menu", "manner": "balanced", "handback_minutes": "60",
}  # fmt: skip
_CLOUD = {
    "phone": "0803 777 8888", "external_id": "777888", "account_id": "1", "access_token": "t",
    "app_secret": "s",
}  # fmt: skip
_LINK = {"method": "qr", "agreed": "on"}

HOME = (
    _door("messaging:home-show", VIEWER, slug="slug"),
    _door("messaging:home-unanswered", VIEWER, slug="slug", part=True),
    _door("messaging:bot-switch", act=MANAGER, slug="slug", sends={"mode": "off"}),
    _door("messaging:phone-show", MANAGER, MANAGER, slug="slug", sends={"phone": "08035550142"}),
    _door("messaging:phone-forget", act=MANAGER, slug="slug", idle=True),
    _door("messaging:share-show", VIEWER, slug="slug"),
    _door("workspaces:notice-dismiss", act=AGENT, slug="slug", pk="notice"),
    _door("messaging:setup-show", MANAGER, slug="slug"),
    _door("messaging:setup-go-on", act=MANAGER, slug="slug", sends={"step": "try"}),
    _door("messaging:setup-hide", act=MANAGER, slug="slug"),
    _door("messaging:setup-finish", act=MANAGER, slug="slug"),
    _door("messaging:setup-business", MANAGER, MANAGER, slug="slug", sends={
        "kind": "food", "city": "Ibadan", "hours": "daily", "tone": "warm", "language": "english",
    }),
    _door("messaging:setup-live", MANAGER, MANAGER, slug="slug", part=True, sends={"who": "everyone"}),
)  # fmt: skip
INBOX = (
    _door("messaging:conversation-list", VIEWER, slug="slug", part=True),
    _door("messaging:conversation-live", VIEWER, slug="slug", part=True, asks={"open": "{talk}"}),
    _door("messaging:thread-show", VIEWER, slug="slug", pk="talk", part=True),
    _door("messaging:thread-reply", act=AGENT, slug="slug", pk="talk", sends={"text": "Yes", "once": "1"}),
    _door("messaging:thread-see", act=AGENT, slug="slug", pk="talk"),
    _door("messaging:thread-note", act=AGENT, slug="slug", pk="talk", sends={"note": "Likes lace"}),
    _door("messaging:pick-list", AGENT, slug="slug", pk="talk", part=True),
    _door("messaging:pick-insert", act=AGENT, slug="slug", pk="talk", idle=True, sends={"pick": "quick-{quick}"}),
    _door("messaging:conversation-take", act=AGENT, slug="slug", pk="talk"),
    _door("messaging:conversation-assign", act=AGENT, slug="slug", pk="talk", sends={"to": "{user}"}),
    _door("messaging:conversation-give-back", act=AGENT, slug="slug", pk="talk"),
    _door("messaging:message-undo", act=AGENT, slug="slug", pk="waiting", forgives=True),
    _door("messaging:message-retry", act=AGENT, slug="slug", pk="failed"),
    _door("messaging:note-delete", act=AGENT, slug="slug", pk="note"),
    _door("messaging:message-explain", VIEWER, slug="slug", asks={"id": "{asked}"}, part=True),
    _door("messaging:message-correct", act=AGENT, slug="slug", pk="asked", sends={"entry": "{other_entry}", "teaches": "1"}),
    _door("messaging:quick-list", AGENT, AGENT, slug="slug", sends={"title": "Hours", "text": "8 to 18"}),
    _door("messaging:quick-edit", AGENT, AGENT, slug="slug", pk="quick", sends={"title": "Hours", "text": "8 to 18"}),
    _door("messaging:quick-delete", act=AGENT, slug="slug", pk="quick"),
)  # fmt: skip
CONTACTS = (
    _door("messaging:contact-show", VIEWER, slug="slug", pk="contact", part=True),
    _door("messaging:contact-rename", act=AGENT, slug="slug", pk="contact", sends={"name": "Ada"}),
    _door("messaging:contact-tag", act=AGENT, slug="slug", pk="contact", sends={"tag": "lace"}),
    _door("messaging:contact-untag", act=AGENT, slug="slug", pk="contact", sends={"tag": "{tag}"}),
    _door("messaging:contact-note", act=AGENT, slug="slug", pk="contact", sends={"note": "Likes lace"}),
    _door("messaging:contact-block", act=AGENT, slug="slug", pk="contact"),
    _door("messaging:contact-consent", act=AGENT, slug="slug", pk="contact", sends={"is_out": "1"}),
    _door("messaging:contact-csv", MANAGER, slug="slug", pk="contact"),
    _door("messaging:contact-json", MANAGER, slug="slug", pk="contact"),
    _door("messaging:contact-erase", MANAGER, MANAGER, slug="slug", pk="contact", sends={"typed": "{last_digits}"}),
)  # fmt: skip
TRYING = (
    _door("messaging:question-try", VIEWER, VIEWER, slug="slug", sends={"text": "Open?"}),
    _door("messaging:turn-keep", act=MANAGER, slug="slug", sends={"said": "When?", "turn": "1", "faq_id": "{faq_id}"}),
    _door("messaging:turn-fix", act=MANAGER, slug="slug", sends={"said": "When?", "turn": "1", "entry": "{other_entry}"}),
    _door("messaging:batch-try", VIEWER, VIEWER, slug="slug", idle=True, part=True, sends={"text": "Open?"}),
    _door("messaging:batch-keep", act=MANAGER, slug="slug", idle=True, sends={"text": "Open?"}),
)  # fmt: skip
QUALITY = (
    _door("messaging:quality-show", VIEWER, slug="slug"),
    _door("messaging:quality-learnt", VIEWER, slug="slug", part=True),
    _door("messaging:quality-topics", VIEWER, slug="slug", part=True),
    _door("messaging:quality-dismiss", act=MANAGER, slug="slug", sends={"message": "{unanswered}"}),
    _door("messaging:quality-answers", VIEWER, slug="slug", part=True),
    _door("messaging:quality-phrasings", act=MANAGER, slug="slug", pk="entry", sends={"text": "waybill?"}),
    _door("messaging:quality-proposed", MANAGER, MANAGER, slug="slug", pk="entry", part=True),
    _door("messaging:quality-merge", MANAGER, MANAGER, slug="slug", pk="entry", asks={"other": "{other_entry}"}, sends={"other": "{other_entry}"}),
    _door("messaging:quality-manner", act=MANAGER, slug="slug", sends={"manner": "eager"}),
)  # fmt: skip
BOT = (
    _door("messaging:bot-settings", VIEWER, MANAGER, slug="slug", sends=_BOT),
    _door("messaging:bot-preview", act=MANAGER, slug="slug", idle=True, sends=_BOT),
    _door("messaging:bot-publish", act=MANAGER, slug="slug"),
    _door("messaging:bot-discard", act=MANAGER, slug="slug"),
    _door("messaging:bot-try", VIEWER, VIEWER, slug="slug", idle=True, sends={"text": "Open?"}),
    _door("messaging:version-restore", act=MANAGER, slug="slug", number="version"),
    _door("messaging:test-phone-add", act=MANAGER, slug="slug", sends={"phone": "0803 555 0199"}),
    _door("messaging:test-phone-remove", act=MANAGER, slug="slug", pk="test_phone"),
)  # fmt: skip
FAQS = (
    _door("faqs:entry-list", VIEWER, slug="slug", part=True),
    _door("faqs:entry-new", MANAGER, MANAGER, slug="slug", part=True, sends=_ANSWER),
    _door("faqs:answer-preview", act=VIEWER, slug="slug", idle=True, sends={"answer": "*Yes*"}),
    _door("faqs:entry-bulk", act=MANAGER, slug="slug", sends={"entry": "{entry}", "action": "delete"}),
    _door("faqs:entry-edit", MANAGER, MANAGER, slug="slug", pk="entry", part=True, sends=_ANSWER),
    _door("faqs:entry-quick", MANAGER, MANAGER, slug="slug", pk="entry", part=True, sends={
        "e{entry}-question": "Zobo?", "e{entry}-answer": "Yes.",
    }),
    _door("faqs:entry-switch", act=MANAGER, slug="slug", pk="entry", sends={"is_active": "off"}),
    _door("faqs:entry-delete", MANAGER, MANAGER, slug="slug", pk="entry"),
    _door("faqs:entry-history", VIEWER, slug="slug", pk="entry"),
    _door("faqs:change-restore", act=MANAGER, slug="slug", pk="entry", change="change"),
    _door("faqs:change-undo", act=MANAGER, slug="slug", sends={"batch": "{batch}"}),
    _door("faqs:trash-list", VIEWER, slug="slug"),
    _door("faqs:trash-restore", act=MANAGER, slug="slug", pk="gone_entry", forgives=True),
    _door("faqs:trash-forget", act=MANAGER, slug="slug", pk="gone_entry"),
    _door("faqs:golden-list", VIEWER, MANAGER, slug="slug", sends={"text": "Open?", "entry": "{entry}"}),
    _door("faqs:golden-remove", act=MANAGER, slug="slug", pk="golden"),
    _door("faqs:entry-export-csv", VIEWER, slug="slug"),
    _door("faqs:entry-export-xlsx", VIEWER, slug="slug"),
    _door("faqs:training-show", VIEWER, slug="slug", part=True),
    _door("faqs:starter-list", VIEWER, MANAGER, slug="slug", sends={"kind": "fashion"}),
    _door("faqs:import-list", VIEWER, MANAGER, slug="slug", part=True, sends={
        "way": "text", "text": "Do you sell zobo?\nYes, we do.",
    }),
    _door("faqs:import-show", VIEWER, slug="slug", pk="import"),
    _door("faqs:import-row", MANAGER, MANAGER, slug="slug", pk="import", number="row", part=True, sends={
        "row{row}-question": "Zobo?", "row{row}-answer": "Yes.",
    }),
    _door("faqs:import-choose", act=MANAGER, slug="slug", pk="import", number="row", sends={"choice": "leave"}),
    _door("faqs:import-fill", act=MANAGER, slug="slug", pk="import", sends={"name": "city", "value": "Ibadan"}),
    _door("faqs:import-problems", VIEWER, slug="slug", pk="import"),
    _door("faqs:import-confirm", act=MANAGER, slug="slug", pk="import"),
    _door("faqs:import-discard", act=MANAGER, slug="slug", pk="import"),
    _door("faqs:import-undo", act=MANAGER, slug="slug", pk="added_import"),
)  # fmt: skip
NUMBERS = (
    _door("connections:connection-list", VIEWER, slug="slug", part=True),
    _door("connections:connect", MANAGER, MANAGER, slug="slug", sends=_LINK),
    _door("connections:connection-add", MANAGER, MANAGER, slug="slug", asks={"renew": "{number}"}, sends=_CLOUD),
    _door("connections:simulator-connect", act=MANAGER, slug="slug"),
    _door("connections:connection-show", VIEWER, slug="slug", pk="number", part=True),
    _door("connections:connection-check", act=MANAGER, slug="slug", pk="number"),
    _door("connections:connection-switch", act=MANAGER, slug="slug", pk="number", sends={"is_sending": "off"}),
    _door("connections:link-show", MANAGER, MANAGER, slug="slug", pk="linking", part=True, sends=_LINK),
    _door("connections:link-cancel", act=MANAGER, slug="slug", pk="linking"),
    _door("connections:link-screen", act=MANAGER, slug="slug", pk="linking"),
    _door("connections:connection-disconnect", MANAGER, MANAGER, slug="slug", pk="linked"),
    _door("connections:connection-remove", MANAGER, MANAGER, slug="slug", pk="number", sends={"digits": "{digits}"}),
    _door("connections:pretend-show", MANAGER, MANAGER, slug="slug", pk="linked", part=True, idle=True),
    _door("connections:pretend-scan", act=MANAGER, slug="slug", pk="linking", idle=True),
    _door("connections:pretend-unlink", act=MANAGER, slug="slug", pk="linked", idle=True),
    _door("connections:connection-log", VIEWER, slug="slug", pk="number"),
    _door("connections:connection-test", MANAGER, MANAGER, slug="slug", pk="number", idle=True, sends={"phone": "0806 111 2222"}),
)  # fmt: skip
FIGURES = (
    _door("billing:usage-show", VIEWER, slug="slug", asks={"number": "{number}"}),
    _door("billing:usage-export-csv", VIEWER, slug="slug", asks={"by": "number"}),
    _door("billing:usage-export-xlsx", VIEWER, slug="slug"),
    _door("messaging:export-list", MANAGER, MANAGER, slug="slug", sends={
        "what": "messages", "form": "csv", "number": "{number}",
    }),
    _door("messaging:export-state", MANAGER, slug="slug", part=True),
    _door("messaging:export-file", MANAGER, slug="slug", pk="export"),
    _door("messaging:export-drop", act=MANAGER, slug="slug", pk="export"),
)  # fmt: skip
SETTINGS = (
    _door("workspaces:settings-show", VIEWER, slug="slug"),
    _door("workspaces:team-show", VIEWER, slug="slug"),
    _door("workspaces:member-role", act=MANAGER, slug="slug", pk="member", sends={"role": "viewer"}),
    _door("workspaces:member-remove", MANAGER, MANAGER, slug="slug", pk="member"),
    _door("workspaces:team-leave", VIEWER, VIEWER, slug="slug"),
    _door("workspaces:team-invite", act=MANAGER, slug="slug", sends={
        "way": "email", "email": "zainab@zobo.example", "role": "agent",
    }),
    _door("workspaces:invitation-resend", act=MANAGER, slug="slug", pk="invitation"),
    _door("workspaces:invitation-revoke", act=MANAGER, slug="slug", pk="invitation"),
    _door("workspaces:invitation-restore", act=MANAGER, slug="slug", pk="revoked"),
    _door("workspaces:business", MANAGER, MANAGER, slug="slug", sends=_BUSINESS),
    _door("workspaces:data-show", MANAGER, slug="slug", part=True),
    _door("workspaces:export-ask", act=MANAGER, slug="slug"),
    _door("workspaces:workspace-close", act=OWNER, slug="slug", sends={"name": "{name}"}),
    _door("workspaces:workspace-keep", act=OWNER, slug="slug", idle=True),
    _door("workspaces:audit-show", MANAGER, slug="slug", part=True, asks={"person": "{user}"}),
    _door("workspaces:audit-export", MANAGER, slug="slug", asks={"person": "{user}"}),
)  # fmt: skip
OUTSIDE = (
    _door("workspaces:export-fetch", MANAGER, pk="passport", hides=True),
    _door("workspaces:join", ANYBODY, PERSON, token="token"),
    _door("workspaces:security-show", PERSON, part=True),
    _door("workspaces:name-change", act=PERSON, sends={"name": "Zainab"}),
    _door("workspaces:devices-end", act=PERSON),
    _door("workspaces:workspace-new", PERSON, PERSON, idle=True),
    _door("workspaces:slug-suggest", PERSON, asks={"name": "Zobo House"}, part=True),
    _door("staff:overview-show", STAFF, hides=True),
    _door("staff:styleguide-show", STAFF, hides=True),
    _door("staff:workspace-look", STAFF, slug="slug", hides=True),
    _door("staff:thread-look", STAFF, slug="slug", pk="talk", hides=True),
    _door("staff:message-look", STAFF, slug="slug", asks={"id": "{asked}"}, hides=True),
)  # fmt: skip

INSIDE = (*HOME, *INBOX, *CONTACTS, *TRYING, *QUALITY, *BOT, *FAQS, *NUMBERS, *FIGURES, *SETTINGS)
EVERY = (*INSIDE, *OUTSIDE)
