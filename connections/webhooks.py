"""The providers' door: verify, store, acknowledge. Nothing is answered 200 before it is stored."""

import contextlib
import logging

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from connections import inbox, ingress, providers, refusals
from connections.refusals import Refusal
from lib import clock, events
from workspaces import scope


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def whatsapp(request: HttpRequest) -> HttpResponse:
    """Answer Meta's verification (GET) and take its updates (POST)."""
    return _challenge(request) if request.method != "POST" else _take(request, "cloud_api")


@csrf_exempt
@require_http_methods(["POST"])
def linked_device(request: HttpRequest) -> HttpResponse:
    """Take the batches of an engine for linked devices (connections/bridge/PROTOCOL.md, 3)."""
    if "linked_device" not in providers.all_names():
        return _refuse(refusals.NOT_FOUND)
    return _take(request, "linked_device")


def _take(request: HttpRequest, provider: str) -> HttpResponse:
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    if not (length.isascii() and length.isdigit()):
        return _refuse(refusals.BAD_LENGTH)
    if len(length) > 18 or int(length) > settings.WEBHOOK_MAX_BYTES:
        if len(length) < 9 and int(length) <= 5 * settings.WEBHOOK_MAX_BYTES:
            _read_away(request)
        return _refuse(refusals.TOO_LARGE)
    try:
        body = request.body
    except UnreadablePostError:
        return _refuse(refusals.CUT_OFF)
    if len(body) > settings.WEBHOOK_MAX_BYTES:
        return _refuse(refusals.TOO_LARGE)
    headers = {name.lower(): value for name, value in request.headers.items()}
    with scope.system():
        try:
            reading = ingress.read(provider_name=provider, body=body, headers=headers)
        except ingress.UnableToVerify:
            return _refuse(refusals.BAD_SIGNATURE)
        except ingress.UnableToRead:
            return _refuse(refusals.UNREADABLE)
        if reading.foreign:
            events.publish(
                "connections.webhook.spoke-for-others",
                meta={"updates": reading.foreign},
                level=logging.WARNING,
            )
        try:
            inbox.accept(routed=reading.routed, provider=provider, now=clock.now())
        except inbox.Misrouted:
            return _refuse(refusals.AWAY)  # it changed hands this moment: send it again
    return JsonResponse({"status": "ok"})


def _read_away(request: HttpRequest) -> None:
    """Take in a body that is too large, so that its sender gets to read the answer.

    A connection closed with data unread is reset, and the 413 lost. Bounded: who sends more
    than a few times the limit gets the reset.
    """
    with contextlib.suppress(UnreadablePostError, OSError):
        while request.read(65_536):
            pass


def _challenge(request: HttpRequest) -> HttpResponse:
    answer = ingress.challenge(
        mode=request.GET.get("hub.mode", ""),
        token=request.GET.get("hub.verify_token", ""),
        word=request.GET.get("hub.challenge", ""),
    )
    if answer is None:
        return _refuse(refusals.BAD_TOKEN)
    return HttpResponse(answer, content_type="text/plain")


def _refuse(refusal: Refusal) -> HttpResponse:
    refusals.counted.add(refusal)
    answer = JsonResponse(refusal.as_json(), status=refusal.status)
    # Counted above: Django's own line for each one would let strangers write our log.
    answer._has_been_logged = True  # type: ignore[attr-defined]
    return answer
