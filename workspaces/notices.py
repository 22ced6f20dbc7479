"""Tell the owners something, once: on their home page and by e-mail."""

from datetime import datetime

from django.core.mail import send_mail

from lib import events, jobs
from workspaces.models import Member, Notice, Workspace


def tell_owners(*, workspace: Workspace, key: str, text: str, now: datetime) -> bool:
    """Show `text` on the home page and e-mail it; a second call with `key` does nothing.

    Returns whether it was news. Runs in the caller's transaction; the mail follows the commit.
    """
    key = key[:120]
    _, is_new = Notice.objects.get_or_create(
        workspace=workspace, key=key, defaults={"text": text[:400], "created_at": now}
    )
    if is_new:
        jobs.enqueue(
            "workspaces.mail_notice", queue="housekeeping", workspace_id=workspace.pk, key=key
        )
        events.publish("workspaces.notice.raised", workspace=workspace.pk, params={"key": key})
    return is_new


def mail(*, workspace: Workspace, key: str) -> int:
    """E-mail the notice to the workspace's owners; returns how many were written to."""
    notice = Notice.objects.filter(workspace=workspace, key=key).first()
    if notice is None:
        return 0
    addresses = list(
        Member.objects.filter(workspace=workspace, role=Member.Role.OWNER, user__is_active=True)
        .values_list("user__email", flat=True)
    )  # fmt: skip
    for address in addresses:
        send_mail(f"{workspace.name}: a note from Backroom", notice.text, None, [address])
    return len(addresses)


def standing(*, workspace: Workspace) -> list[Notice]:
    """Return the notices nobody has put away, newest first."""
    return list(
        Notice.objects.filter(workspace=workspace, dismissed_at__isnull=True).order_by(
            "-created_at"
        )[:5]
    )


def dismiss(*, workspace: Workspace, notice_id: int, now: datetime) -> bool:
    """Put a notice away, once and for all. Say whether there is such a notice."""
    mine = Notice.objects.filter(workspace=workspace, pk=notice_id)
    return bool(mine.filter(dismissed_at__isnull=True).update(dismissed_at=now)) or mine.exists()
