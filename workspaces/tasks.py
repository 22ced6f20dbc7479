"""Jobs of the workspaces room."""

from celery import shared_task

from lib import clock
from workspaces import (
    closing,
    invitations,
    notices,
    passports,
    registry,
    retention,
    scope,
    spares,
)


@shared_task(name="workspaces.mail_notice", queue="housekeeping")
def mail_notice(*, workspace_id: int, key: str, **_: object) -> None:
    """E-mail a notice to the owners."""
    space = registry.by_id(workspace_id)
    if space is not None:
        with scope.workspace(space):
            notices.mail(workspace=space, key=key)


@shared_task(name="workspaces.keep_tables_small", queue="housekeeping")
def keep_tables_small(**_: object) -> None:
    """Delete what is past its retention in the public tables."""
    now = clock.now()
    with scope.system():
        for rule in retention.public_rules():
            retention.apply(rule, now=now)


@shared_task(name="workspaces.mail_invitation", queue="housekeeping")
def mail_invitation(*, workspace_id: int, invitation_id: int, serial: int, **_: object) -> None:
    """E-mail an invitation."""
    space = registry.by_id(workspace_id)
    if space is not None:
        with scope.workspace(space):
            invitations.mail(
                workspace=space, invitation_id=invitation_id, serial=serial, now=clock.now()
            )


@shared_task(name="workspaces.make_passport", queue="housekeeping")
def make_passport(*, workspace_id: int, passport_id: int, **_: object) -> None:
    """Make the file with everything of a workspace."""
    space = registry.by_id(workspace_id)
    if space is not None:
        passports.make(workspace=space, passport_id=passport_id, clock=clock.now)


@shared_task(name="workspaces.tidy", queue="housekeeping")
def tidy(**_: object) -> None:
    """See to exports that stopped or are past their day, and erase what is to be erased."""
    now = clock.now()
    passports.tidy(now=now)
    closing.erase_due(now=now)


@shared_task(name="workspaces.keep_spares", queue="housekeeping")
def keep_spares(**_: object) -> None:
    """Make schemas ahead of the sign-ups that will take them."""
    spares.keep(now=clock.now())
