"""The bot in a workspace: whom it answers (everyone, test phones, nobody), and how it is set up."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from lib import phones, sql
from messaging import hours, recalling, versions, wishes
from messaging.models import BotSettings, BotVersion, TestPhone
from workspaces import audit, onboarding
from workspaces.models import User, Workspace

Mode = BotSettings.Mode

# What each manner of answering does. The figures: workspaces that nothing was fitted on, five ways
# to ask for each answer (docs/answers.md).
MANNERS = {
    BotSettings.Manner.CAREFUL: "Speaks only when it is quite sure, and calls you more often. In tests:"
    " 55 of 100 questions right at once, 2 wrong; of 100 that no answer covers, 5 got one.",
    BotSettings.Manner.BALANCED: "Speaks when it is fairly sure. In tests: 61 of 100 questions right at"
    " once, 3 wrong; of 100 that no answer covers, 7 got one.",
    BotSettings.Manner.EAGER: "Speaks more by itself, and errs more. In tests: 70 of 100 questions right"
    " at once, 6 wrong; of 100 that no answer covers, 13 got one.",
}
MOST_TEST_PHONES = 20


def prepare(*, workspace: Workspace, now: datetime) -> None:
    """Lay the settings of a new workspace (called in its schema).

    Where somebody is led through the first steps, the bot says nothing before the last of them.
    """
    is_led = onboarding.read(workspace).is_led
    mode = Mode.OFF if is_led else Mode.ON
    BotSettings.objects.create(
        pk=1,
        mode=mode,
        is_on=mode == Mode.ON,
        # Whoever begins here begins honestly; it can be changed.
        disclosure=BotSettings.Disclosure.PLAIN if is_led else BotSettings.Disclosure.NO,
        **wishes.changes_of(workspace.setup.get("wishes", {})),
    )


_COLUMNS = [field.attname for field in BotSettings._meta.concrete_fields]
_SETTINGS = (
    f"SELECT {', '.join(_COLUMNS)}, CASE WHEN mode = 'test' THEN"  # noqa: S608
    " ARRAY(SELECT phone FROM messaging_testphone) END FROM messaging_botsettings WHERE id = 1"
)


def settings_of() -> BotSettings:
    """Return the settings of the workspace in scope, as published."""
    return _read(_SETTINGS)


def settings_held() -> BotSettings:
    """Return them to decide by: until the commit of the caller nobody changes them.

    So whoever switches the bot off waits for those who are about to answer, and finds what
    they have put in line (messaging.recalling).
    """
    return _read(f"{_SETTINGS} FOR SHARE")


def _read(statement: str) -> BotSettings:
    for *row, test_phones in sql.fetch(statement):
        found = BotSettings.from_db("default", _COLUMNS, row)
        found.test_phones = test_phones or ()
        return found
    return BotSettings.objects.get_or_create(pk=1)[0]


def describe_hours(settings: BotSettings) -> str:
    """Say the opening hours in short: `Mon–Sat 8–18`."""
    return hours.describe(settings.hours)


# --- Whom it answers -------------------------------------------------------------------------


def switch(
    *,
    workspace: Workspace,
    mode: str,
    actor: User | None,
    actor_kind: str = "member",
    now: datetime,
) -> bool:
    """Let the bot answer everyone (on), test phones only, or nobody. False when it was so already.

    What it was about to say to others is taken back as soon as this is committed.
    """
    mode = Mode(mode)
    with transaction.atomic():
        before = settings_of()
        changed = (
            BotSettings.objects.filter(pk=1)
            .exclude(mode=mode)
            .update(
                mode=mode,
                is_on=mode == Mode.ON,
                mode_before=before.mode if before.mode != Mode.OFF else before.mode_before,
            )
        )
        if changed:
            audit.record(
                action=f"bot.{mode}",
                workspace=workspace,
                actor=actor,
                actor_kind=actor_kind,
                now=now,
            )
            if mode != Mode.ON:
                recalling.promise(workspace=workspace, now=now)
    return bool(changed)


def resume(*, workspace: Workspace, actor_kind: str, now: datetime) -> bool:
    """Switch a bot that is off to what it was before. False when it is not off."""
    found = settings_of()
    return found.mode == Mode.OFF and switch(
        workspace=workspace, mode=found.mode_before, actor=None, actor_kind=actor_kind, now=now
    )


# --- Test phones -----------------------------------------------------------------------------


class UnableToAddTestPhone(Exception):
    """There are too many already; the message is a sentence for the person."""


def test_phones() -> list[TestPhone]:
    """Return the phones that a bot in test mode answers, the oldest first."""
    return list(TestPhone.objects.order_by("pk"))


def add_test_phone(*, workspace: Workspace, phone: str, actor: User, now: datetime) -> TestPhone:
    """Have a phone answered in test mode; one that is there already stays as it is.

    Raises lib.phones.UnableToParsePhone and UnableToAddTestPhone.
    """
    number = phones.parse(phone, country=workspace.country)
    with transaction.atomic():
        BotSettings.objects.select_for_update().filter(pk=1).first()  # one adds at a time
        known = TestPhone.objects.filter(phone=number).first()
        if known is not None:
            return known
        if TestPhone.objects.count() >= MOST_TEST_PHONES:
            raise UnableToAddTestPhone(
                f"There are {MOST_TEST_PHONES} test phones already. Remove one that you do not use."
            )
        added = TestPhone.objects.create(phone=number, by_id=actor.pk, created_at=now)
        audit.record(
            action="bot.test-phone-added",
            workspace=workspace,
            actor=actor,
            target=f"test phone {added.pk}",
            now=now,
        )
    return added


def remove_test_phone(
    *, workspace: Workspace, phone_id: int, actor: User, now: datetime
) -> TestPhone | None:
    """Answer this phone in test mode no more; return what it was. None when it is gone already."""
    with transaction.atomic():
        found = TestPhone.objects.filter(pk=phone_id).first()
        if found is None or not TestPhone.objects.filter(pk=phone_id).delete()[0]:
            return None
        audit.record(
            action="bot.test-phone-removed",
            workspace=workspace,
            actor=actor,
            target=f"test phone {phone_id}",
            now=now,
        )
    return found


# --- How it behaves --------------------------------------------------------------------------


def configure(
    *, workspace: Workspace, changes: Mapping[str, object], actor: User, now: datetime
) -> BotVersion | None:
    """Change some settings and publish them at once; None when all of it was so already.

    Raises behaviour.UnableToConfigure.
    """
    return versions.put(workspace=workspace, changes=changes, actor=actor, now=now)


def set_manner(*, workspace: Workspace, manner: str, actor: User, now: datetime) -> bool:
    """Say how sure the bot must be to answer by itself. Returns False when it was so already."""
    changes = {"manner": manner}
    return configure(workspace=workspace, changes=changes, actor=actor, now=now) is not None
