"""Jobs of the workspaces room."""

from celery import shared_task

from workspaces import notices, registry, scope


@shared_task(name="workspaces.mail_notice", queue="housekeeping")
def mail_notice(*, workspace_id: int, key: str, **_: object) -> None:
    """E-mail a notice to the owners."""
    space = registry.by_id(workspace_id)
    if space is not None:
        with scope.workspace(space):
            notices.mail(workspace=space, key=key)
