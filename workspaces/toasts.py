"""What a page says at its edge after something was done, with the way back where there is one."""

import json
from collections.abc import Mapping

from django.contrib import messages
from django.http import HttpRequest


def say(
    request: HttpRequest,
    text: str,
    *,
    undo_at: str = "",
    fields: Mapping[str, str | int] | None = None,
    is_brief: bool = False,
) -> None:
    """Say that something was done; with `undo_at`, offer to post `fields` there to take it back.

    `is_brief`: it can be taken back for some seconds only. Shown by the next page, or with the next fragment (workspaces.pages.show).
    """
    way_back = (
        json.dumps({"url": undo_at, "fields": dict(fields or {}), "brief": is_brief})
        if undo_at
        else ""
    )
    messages.success(request, text, extra_tags=way_back)


def complain(request: HttpRequest, text: str) -> None:
    """Say that something was not done, and what to do about it."""
    messages.error(request, text)
