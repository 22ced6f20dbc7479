"""Every page that a person can open, with its address: for checks of looks and for pictures."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Story:
    """What tests.story has made: ids for the addresses of pages, and a session for each role."""

    slug: str
    workspace_id: int
    number_id: int
    entry_id: int
    import_id: int
    conversation_id: int
    contact_id: int
    asked_id: int  # a message of a customer that was passed to the team
    failed_id: int
    noted_id: int  # a conversation with notes, of a contact who is blocked
    noted_contact_id: int
    added_id: int  # an import whose answers were added
    invitation: str  # the path of a link
    new_slug: str  # a business that is being set up
    sessions: Mapping[str, str]  # role: session key

    def to_json(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Place:
    """A page. `path` names fields of the story; `who` opens it (nobody: signed out)."""

    name: str
    path: str
    who: str = "owner"
    is_missing: bool = False  # a page that says that there is nothing

    def at(self, story: Story) -> str:
        """Return the page's path in a story."""
        return self.path.format(story=story, w=f"/w/{story.slug}", new=f"/w/{story.new_slug}")


OUTSIDE = (
    Place("landing", "/", "nobody"),
    Place("pricing", "/pricing/", "nobody"),
    Place("terms", "/terms/", "nobody"),
    Place("privacy", "/privacy/", "nobody"),
    Place("data-processing", "/data-processing/", "nobody"),
    Place("acceptable-use", "/acceptable-use/", "nobody"),
    Place("help", "/help/", "nobody"),
    Place("status", "/status/", "nobody"),
    Place("api-docs", "/api/docs", "nobody"),
    Place("sign-up", "/accounts/signup/", "nobody"),
    Place("sign-in", "/accounts/login/", "nobody"),
    Place("new-business", "/workspaces/new/", "stranger"),
    Place("businesses", "/", "staff"),
    Place("security", "/account/security/"),
    Place("passkey-add", "/accounts/2fa/webauthn/add/"),
    Place("e-mail", "/accounts/email/"),
    Place("password", "/accounts/password/set/"),
    Place("sign-out", "/accounts/logout/"),
    Place("join", "{story.invitation}", "nobody"),
    Place("join-stranger", "{story.invitation}", "stranger"),
    Place("not-found", "/nothing/here/", "nobody", is_missing=True),
    Place("style-guide", "/staff/styleguide/", "staff"),
    Place("staff-overview", "/staff/", "staff"),
    Place("staff-workspace", "/staff{w}/", "staff"),
    Place("staff-thread", "/staff{w}/conversations/{story.conversation_id}/", "staff"),
    Place("staff-why", "/staff{w}/why/?id={story.asked_id}", "staff"),
)
INSIDE = (
    Place("home", "{w}/"),
    Place("inbox", "{w}/conversations/"),
    Place("inbox-needs", "{w}/conversations/?view=needs"),
    Place("inbox-nobody-found", "{w}/conversations/?q=zzz"),
    Place("thread", "{w}/conversations/{story.conversation_id}/"),
    Place("inbox-mine", "{w}/conversations/?view=mine"),
    Place("contact", "{w}/contacts/{story.contact_id}/"),
    Place("thread-noted", "{w}/conversations/{story.noted_id}/"),
    Place("contact-blocked", "{w}/contacts/{story.noted_contact_id}/"),
    Place("contact-erase", "{w}/contacts/{story.contact_id}/erase/"),
    Place("quick-answers", "{w}/quick-answers/"),
    Place("pick-answer", "{w}/conversations/{story.conversation_id}/picks/"),
    Place("thread-viewer", "{w}/conversations/{story.conversation_id}/", "viewer"),
    Place("why", "{w}/why/?id={story.asked_id}"),
    Place("why-failed", "{w}/why/?id={story.failed_id}"),
    Place("why-unknown", "{w}/why/?id=nonsense", is_missing=True),
    Place("faqs", "{w}/faqs/"),
    Place("faq-new", "{w}/faqs/new/"),
    Place("faq-edit", "{w}/faqs/{story.entry_id}/"),
    Place("faq-history", "{w}/faqs/{story.entry_id}/history/"),
    Place("faq-trash", "{w}/faqs/trash/"),
    Place("starters", "{w}/faqs/starters/"),
    Place("faq-delete", "{w}/faqs/{story.entry_id}/delete/"),
    Place("import", "{w}/faqs/import/"),
    Place("import-preview", "{w}/faqs/import/{story.import_id}/"),
    Place("import-added", "{w}/faqs/import/{story.added_id}/"),
    Place("golden", "{w}/faqs/golden/"),
    Place("try", "{w}/try/"),
    Place("try-many", "{w}/try/many/"),
    Place("quality", "{w}/quality/"),
    Place("quality-questions", "{w}/quality/questions/"),
    Place("quality-answers", "{w}/quality/answers/"),
    Place("usage", "{w}/usage/"),
    Place("exports", "{w}/exports/"),
    Place("settings", "{w}/settings/"),
    Place("bot", "{w}/settings/bot/"),
    Place("bot-viewer", "{w}/settings/bot/", "viewer"),
    Place("bot-try", "{w}/settings/bot/try/"),
    Place("team", "{w}/settings/team/"),
    Place("team-viewer", "{w}/settings/team/", "viewer"),
    Place("business-settings", "{w}/settings/business/"),
    Place("data", "{w}/settings/data/"),
    Place("audit", "{w}/settings/audit/"),
    Place("numbers", "{w}/connections/"),
    Place("number", "{w}/connections/{story.number_id}/"),
    Place("number-connect", "{w}/connections/connect/"),
    Place("number-add", "{w}/connections/add/"),
    Place("number-remove", "{w}/connections/{story.number_id}/remove/"),
    Place("your-phone", "{w}/phone/"),
    Place("business", "{w}/setup/business/"),
    Place("live", "{w}/setup/live/"),
    Place("share", "{w}/share/"),
)
# A business that is being set up, in which nothing has happened yet.
BEGINNING = (
    Place("new-home", "{new}/", "newcomer"),
    Place("new-inbox", "{new}/conversations/", "newcomer"),
    Place("new-usage", "{new}/usage/", "newcomer"),
    Place("new-quality", "{new}/quality/", "newcomer"),
    Place("setup-business", "{new}/setup/business/", "newcomer"),
    Place("setup-number", "{new}/connections/connect/", "newcomer"),
    Place("setup-answers", "{new}/faqs/import/", "newcomer"),
    Place("setup-starters", "{new}/faqs/starters/", "newcomer"),
    Place("setup-faqs", "{new}/faqs/", "newcomer"),
    Place("setup-try", "{new}/try/", "newcomer"),
    Place("setup-live", "{new}/setup/live/", "newcomer"),
)
ALL = (*OUTSIDE, *INSIDE, *BEGINNING)
