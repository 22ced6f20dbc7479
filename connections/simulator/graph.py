"""The Graph API's `messages` and `media`: what a sender uses all day."""

import time
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse

from connections.simulator import access, errors, sending, stage, validation
from connections.simulator.errors import GraphError
from connections.simulator.media import File
from connections.simulator.records import Json, Number


@access.graph
def messages(request: HttpRequest, node: str) -> HttpResponse:
    """`POST /{phone_number_id}/messages`: a send, a read mark, or a read mark with typing."""
    number = access.number_of(node, request)
    if request.method != "POST":
        raise errors.no_such_node(f"{node}/messages", request.method or "GET")
    body = access.read_body(request)
    if body.get("status") is not None:
        return _mark(number, body)
    if slow := stage.faults.number(node, "slow_ms"):
        time.sleep(slow / 1000)
    trouble = stage.faults.peek(node, "hang")
    if trouble and not trouble.accepted:
        return access.hang(request, stage.faults.take(node, "hang") or trouble)
    if refusal := stage.faults.take(node, "refuse"):
        raise GraphError(refusal.code, refusal.details, status=refusal.status)
    if not number.registered:
        raise GraphError(133010)
    send = validation.check(body, number=number, is_media=stage.media.has)
    broken = stage.faults.take(node, "malformed")
    if broken and not broken.accepted:
        return _nonsense()
    message = sending.accept(number, send)
    if trouble and (trouble := stage.faults.take(node, "hang")):
        return access.hang(request, trouble)
    if stage.faults.take(node, "error_after_accept"):
        raise GraphError(1, message="An unknown error occurred", status=500)
    if broken:
        return _nonsense()
    return JsonResponse(sending.answer(message, send))


def _nonsense() -> HttpResponse:
    return HttpResponse("<html><body>Bad Gateway</body></html>", content_type="text/html")


def _mark(number: Number, body: Json) -> HttpResponse:
    if body.get("messaging_product") != "whatsapp":
        raise validation.required("messaging_product")
    if body["status"] != "read":
        raise GraphError(
            100, message=f'(#100) Param status must be one of {{READ}} - got "{body["status"]}".'
        )
    message_id = body.get("message_id")
    if not isinstance(message_id, str) or not message_id:
        raise validation.required("message_id")
    typing = body.get("typing_indicator")
    if typing is not None and not (isinstance(typing, dict) and typing.get("type") == "text"):
        raise GraphError(131009, "typing_indicator['type'] must be text.")
    sending.mark_read(number, message_id, with_typing=typing is not None)
    return JsonResponse({"success": True})


@access.graph
def media(request: HttpRequest, node: str) -> HttpResponse:
    """`POST /{phone_number_id}/media`: keep an uploaded file and return its id."""
    number = access.number_of(node, request)
    if request.method != "POST":
        raise errors.no_such_node(f"{node}/media", request.method or "GET")
    if request.POST.get("messaging_product") != "whatsapp":
        raise validation.required("messaging_product")
    upload = request.FILES.get("file")
    if upload is None:
        raise validation.required("file")
    if (upload.size or 0) > 16 * 1024 * 1024:
        raise GraphError(131053, "The file is larger than this simulator keeps (16 MB).")
    file = stage.media.put(
        upload.read(),
        mime_type=upload.content_type or str(request.POST.get("type") or ""),
        phone_number_id=number.phone_number_id,
        filename=upload.name or "",
    )
    return JsonResponse({"id": file.id})


def describe(request: HttpRequest, file: File) -> HttpResponse:
    """Answer `GET /{media_id}` with the file's facts and a link for five minutes."""
    query = urlencode(stage.media.link(file))
    return JsonResponse(
        {
            "url": request.build_absolute_uri(f"/whatsapp_business/attachments/?{query}"),
            "mime_type": file.mime_type,
            "sha256": file.sha256.hex(),
            "file_size": len(file.data),
            "id": file.id,
            "messaging_product": "whatsapp",
        }
    )


@access.graph
def download(request: HttpRequest) -> HttpResponse:
    """The link of a file: needs the token, ends after five minutes."""
    query = {name: str(request.GET.get(name, "")) for name in ("mid", "ext", "hash")}
    file = stage.media.by_link(query)
    if file is None:
        return HttpResponse(status=404)
    return HttpResponse(file.data, content_type=file.mime_type)
