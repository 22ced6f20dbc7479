"""What the views about numbers have in common: finding one, and who may do what."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.http import Http404, HttpResponse

from connections import attempts, cards, lifecycle, pretend, qr
from connections.linked.models import LinkedSession
from connections.models import Connection
from workspaces import members, pages
from workspaces.routing import WorkspaceRequest


def rights(request: WorkspaceRequest) -> dict[str, Any]:
    """Return what templates ask before they offer a button."""
    return {
        "may_manage": members.may(request.member, "manager"),
        "has_simulator": bool(settings.SIMULATOR_URL),
        "has_linking": lifecycle.is_available(),
        "has_pretend_phone": pretend.is_available(),
    }


def find(request: WorkspaceRequest, pk: int) -> Connection:
    """Return a number of the workspace, or answer 404."""
    try:
        return cards.find(workspace=request.workspace, connection_id=pk)
    except cards.UnableToFindConnection as error:
        raise Http404 from error


def find_linked(request: WorkspaceRequest, pk: int) -> Connection:
    """Return a linked phone of the workspace, or answer 404."""
    connection = find(request, pk)
    if connection.provider != lifecycle.LINKED:
        raise Http404
    return connection


def to_number(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Send the browser to the number's page."""
    return pages.go(request, "connections:connection-show", request.workspace.slug, pk)


def to_link(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Send the browser to where the phone is linked."""
    return pages.go(request, "connections:link-show", request.workspace.slug, pk)


def shown(attempt: attempts.Attempt, opened_at: datetime, known: str | None) -> dict[str, Any]:
    """Return what a page shows of an attempt; the code only when it is not the `known` one."""
    pairing = attempt.pairing
    is_known = bool(pairing) and known == attempt.shown_mark
    is_qr = pairing is not None and pairing.kind == LinkedSession.Method.QR
    return {
        "attempt": attempt,
        "opened": int(opened_at.timestamp()),
        "is_known_code": is_known,
        "qr_svg": qr.svg_of(pairing.value) if pairing and is_qr and not is_known else "",
        "code": _in_halves(pairing.value) if pairing and not is_qr else "",
    }


def _in_halves(code: str) -> str:
    plain = code.replace("-", "")
    return f"{plain[:4]}-{plain[4:]}" if len(plain) == 8 else code


def opened(text: str | None, now: datetime) -> datetime:
    """Return when a page says it was opened; now, when it says nothing that can be."""
    seconds = pages.number(text)
    if seconds is None or seconds > now.timestamp():
        return now
    return datetime.fromtimestamp(seconds, tz=UTC)
