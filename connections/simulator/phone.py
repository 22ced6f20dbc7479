"""The page that looks like a customer's phone, and what it asks for every moment."""

import time
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render

from connections.simulator import access, stage
from connections.simulator.records import Customer, Json, Message, Number
from connections.simulator.world import Chat

_SHOWN_INLINE = (
    "image/png",
    "image/jpeg",
    "image/webp",
    "audio/ogg",
    "audio/mpeg",
    "application/pdf",
)


def _policy() -> str:
    base = urlsplit(settings.BASE_URL)
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "media-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; "
        f"frame-src {base.scheme}://{base.netloc}; frame-ancestors 'none'"
    )


@access.local("GET")
def page(request: HttpRequest) -> HttpResponse:
    """The pretend phone."""
    # The panel beside the phone shows the app signed in only under the app's own host name.
    host, _, port = request.META.get("HTTP_HOST", "").rpartition(":")
    wanted = urlsplit(settings.BASE_URL).hostname or ""
    if {host, wanted} == {"localhost", "127.0.0.1"} and port.isdigit():
        return HttpResponseRedirect(f"http://{wanted}:{port}{request.get_full_path()}")
    response = render(
        request,
        "simulator/phone.html",
        {"base_url": settings.BASE_URL, "origin": request.build_absolute_uri("/")},
    )
    response["Content-Security-Policy"] = _policy()
    response["Referrer-Policy"] = "no-referrer"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response


@access.local("GET")
def chat(request: HttpRequest) -> HttpResponse:
    """What changed since `since`: 204 when nothing did."""
    epoch, _, revision = request.GET.get("since", "").partition(".")
    since = int(revision) if epoch == stage.world.epoch and revision.isdigit() else 0
    now = stage.world.revision
    if since == now:
        return HttpResponse(status=204)
    number = stage.world.number(request.GET.get("phone_number_id", ""))
    body: Json = {
        "cursor": f"{stage.world.epoch}.{now}",
        "is_whole": since == 0,
        "numbers": [_number(n) for n in stage.world.numbers()],
    }
    if number:
        body |= _for_number(number, request.GET.get("customer", ""), since)
    response = JsonResponse(body)
    response["Cache-Control"] = "no-store"
    return response


def _for_number(number: Number, key: str, since: int) -> Json:
    owner = number.phone_number_id
    people = stage.world.recent_customers(owner)
    customer = stage.world.customer(key) if key else None
    known = stage.world.chat((owner, customer.key)) if customer else Chat()
    if customer and all(c.key != customer.key for c, _ in people):
        people.append((customer, known))
    found = stage.world.conversation((owner, customer.key), since=since) if customer else []
    return {
        "customers": [_customer(c, state) for c, state in people],
        "messages": [_bubble(m, number) for m in found],
        "typing_ms": max(0, round((known.typing_until - time.time()) * 1000)),
        "faults": stage.faults.effective(owner),
        "waiting": stage.deliveries.waiting(owner),
        "failing": stage.deliveries.failing(owner),
        "is_blocked": bool(customer and customer.key in number.blocked),
    }


def _number(number: Number) -> Json:
    return {
        "id": number.phone_number_id,
        "name": number.name,
        "phone": number.display_phone_number,
        "slug": number.workspace_slug,
    }


def _customer(customer: Customer, state: Chat) -> Json:
    return {
        "key": customer.key,
        "name": customer.name,
        "phone": "+" + customer.wa_id if customer.wa_id else "",
        "username": customer.username,
        "last": state.last_text,
        "at": state.last_at,
    }


def _dig(value: object, *names: str) -> object:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _bubble(message: Message, number: Number) -> Json:
    content = message.content.get(message.type)
    shown: Json = {
        "id": message.id,
        "direction": message.direction,
        "type": message.type,
        "text": message.text,
        "at": message.at,
        "sequence": message.sequence,
        "status": message.status,
        "reactions": sorted(set(message.reactions.values())),
    }
    if message.error:
        shown["error"] = f"{message.error.get('code')}: {message.error.get('title')}"
    if message.context:
        quoted = stage.world.message(number.phone_number_id, message.context)
        shown["quoted"] = quoted.text[:120] if quoted else "an earlier message"
    if message.type in ("image", "audio", "video", "document", "sticker"):
        shown["text"] = _dig(content, "caption") or ""
        shown["media"] = {
            "id": _dig(content, "id") or "",
            "link": _dig(content, "link") or "",
            "filename": _dig(content, "filename") or "",
        }
    if message.type == "interactive" and message.direction == "out":
        shown |= _choices(content)
    if message.type == "location":
        shown["text"] = " · ".join(
            str(part) for name in ("name", "address") if (part := _dig(content, name))
        )
    return shown


def _choices(content: object) -> Json:
    buttons, sections = _dig(content, "action", "buttons"), _dig(content, "action", "sections")
    replies = [b.get("reply") for b in buttons] if isinstance(buttons, list) else []
    rows = [
        row
        for section in (sections if isinstance(sections, list) else [])
        for row in section.get("rows", [])
    ]
    return {
        "header": _dig(content, "header", "text") or "",
        "footer": _dig(content, "footer", "text") or "",
        "buttons": replies,
        "list_label": _dig(content, "action", "button") or "",
        "rows": rows,
        "link": {
            "text": _dig(content, "action", "parameters", "display_text") or "",
            "url": _dig(content, "action", "parameters", "url") or "",
        },
    }


@access.local("GET")
def media(request: HttpRequest, media_id: str) -> HttpResponse:
    """A file of a chat, for the page only."""
    file = stage.media.get(media_id)
    if file is None:
        return HttpResponse(status=404)
    kind = file.mime_type.partition(";")[0].strip()
    response = HttpResponse(file.data, content_type=kind)
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, max-age=600"
    if kind not in _SHOWN_INLINE:
        response["Content-Disposition"] = "attachment"
    return response


def health(request: HttpRequest) -> HttpResponse:
    """200 when the server runs as it must: one process (the memory is in it), several threads."""
    problem = ""
    if request.META.get("wsgi.multiprocess"):
        problem = "Run one process only (--workers 1): chats live in its memory."
    elif not request.META.get("wsgi.multithread"):
        problem = "Run with threads (--threads 32): one slow request would hold up all others."
    body: Json = {
        "ok": not problem,
        "numbers": len(stage.world.numbers()),
        "waiting": stage.deliveries.waiting(),
    }
    return JsonResponse(
        body | ({"problem": problem} if problem else {}), status=500 if problem else 200
    )
