"""The providers' door: verify, store, acknowledge. Nothing is answered 200 before it is stored."""

import contextlib
import logging

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from connections import inbox, ingress, manager
from lib import clock, events
from workspaces import scope

PROVIDER = "cloud_api"


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def whatsapp(request: HttpRequest) -> HttpResponse:
    """Answer Meta's verification (GET) and take its updates (POST)."""
    if request.method != "POST":
        return _challenge(request)
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    if not (length.isascii() and length.isdigit()):
        return _refuse(400, "unreadable", "The body's length is not a number.")
    if len(length) > 18 or int(length) > settings.WEBHOOK_MAX_BYTES:
        if len(length) < 9 and int(length) <= 5 * settings.WEBHOOK_MAX_BYTES:
            _read_away(request)
        return _refuse(413, "too_large", "The body is larger than 3 MB.")
    try:
        body = request.body
    except UnreadablePostError:
        return _refuse(400, "cut_off", "The body ended too early.")
    if len(body) > settings.WEBHOOK_MAX_BYTES:
        return _refuse(413, "too_large", "The body is larger than 3 MB.")
    headers = {name.lower(): value for name, value in request.headers.items()}
    with scope.system():
        try:
            reading = ingress.read(provider_name=PROVIDER, body=body, headers=headers)
        except ingress.UnableToVerify:
            return _refuse(401, "bad_signature", "The signature is missing or wrong.")
        except ingress.UnableToRead:
            return _refuse(400, "unreadable", "The body is not a WhatsApp update.")
        if reading.foreign:
            events.publish(
                "connections.webhook.spoke-for-others",
                meta={"updates": reading.foreign},
                level=logging.WARNING,
            )
        inbox.accept(routed=reading.routed, provider=PROVIDER, now=clock.now())
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
    token = request.GET.get("hub.verify_token", "")
    challenge = request.GET.get("hub.challenge", "")
    is_known = manager.is_verify_token(token, platform_token=settings.WHATSAPP_VERIFY_TOKEN)
    if request.GET.get("hub.mode") != "subscribe" or not is_known or len(challenge) > 200:
        return _refuse(403, "bad_token", "The verify token is not ours.")
    return HttpResponse(challenge, content_type="text/plain")


def _refuse(status: int, code: str, sentence: str) -> HttpResponse:
    events.publish(
        "connections.webhook.refused", meta={"status": status, "code": code}, level=logging.WARNING
    )
    return JsonResponse({"error": {"code": code, "message": sentence}}, status=status)
