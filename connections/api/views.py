"""The API's addresses. A token's workspace is the only one that a request can speak of."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from rest_framework.decorators import (
    api_view,
    permission_classes,
    renderer_classes,
    throttle_classes,
)
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.throttling import BaseThrottle

from connections import cards, lifecycle, manager
from connections.api import access, errors, numbers, schema, shapes
from connections.api.errors import Problem
from connections.api.formats import SvgRenderer, TextRenderer
from connections.linked.models import LinkedSession
from connections.models import Connection
from lib import clock, phones
from workspaces import scope
from workspaces.tokens import Caller

View = Callable[[Request, Caller, datetime], Response]


def _endpoint(
    *methods: str,
    may: type[BasePermission],
    throttle: type[BaseThrottle],
    formats: tuple[type[BaseRenderer], ...] = (JSONRenderer,),
) -> Callable[[View], Callable[..., HttpResponse]]:
    """Ask for a token with this right, and run the view in the scope of its workspace."""

    def decorate(view: View) -> Callable[..., HttpResponse]:
        @api_view(methods)
        @permission_classes([may])
        @throttle_classes([throttle])
        @renderer_classes(formats)
        @wraps(view)
        def answer(request: Request) -> Response:
            caller = access.caller_of(request)
            if caller is None:  # the permission has seen to it
                raise Problem(401)
            with scope.workspace(caller.workspace):
                try:
                    response = view(request, caller, clock.now())
                except cards.UnableToFindConnection as error:
                    raise Problem(404, "There is no such number in this workspace.") from error
            response["Cache-Control"] = "no-store"
            return response

        return answer

    return decorate


def _values(shape: type[Serializer[Any]], data: Any) -> dict[str, Any]:
    """Return what was sent, without what was left out or is null. Raises ValidationError."""
    read = shape(data={} if data is None else data)
    read.is_valid(raise_exception=True)
    return {name: value for name, value in read.validated_data.items() if value is not None}


def _status_of(connection: Connection | None) -> lifecycle.Status | None:
    return lifecycle.get_status(connection=connection) if connection else None


@_endpoint("POST", may=access.MayManage, throttle=access.ConnectingThrottle)
def connect(request: Request, caller: Caller, now: datetime) -> Response:
    """Begin to link a phone."""
    values = _values(shapes.Connect, request.data)
    if not lifecycle.is_available():
        raise Problem(503, "Phones cannot be linked here: the link service is not set up.")
    phone = values.get("phone", "")
    methods = LinkedSession.Method
    try:
        connection = numbers.connect(
            workspace=caller.workspace,
            method=values.get("method", methods.CODE if phone else methods.QR),
            phone=phone,
            connection_id=values.get("connection"),
            is_another=values.get("another", False),
            actor=caller.user,
            now=now,
        )
    except lifecycle.AlreadyLinked as error:
        more = " Or send “another” to link one more phone."
        raise Problem(409, f"{error}{more}", "already_linked") from error
    except manager.UnableToConnect as error:
        if isinstance(error.__cause__, phones.UnableToParsePhone):
            raise Problem(400, f"phone: {error}") from error
        raise Problem(409, str(error)) from error
    return Response(shapes.status(_status_of(connection)), status=202)


@_endpoint("GET", "HEAD", may=access.MayRead, throttle=access.ReadingThrottle)
def status(request: Request, caller: Caller, now: datetime) -> Response:
    """Say how a number is."""
    return Response(shapes.status(_status_of(_asked_for(request, caller))))


@_endpoint(
    "GET", "HEAD", may=access.MayLink, throttle=access.ReadingThrottle,
    formats=(JSONRenderer, SvgRenderer, TextRenderer),
)  # fmt: skip
def code(request: Request, caller: Caller, now: datetime) -> Response:
    """Show what links the phone: the QR code or the pairing code."""
    connection = _asked_for(request, caller)
    shown = lifecycle.get_qr(connection=connection, now=now) if connection else None
    values = shapes.code(_status_of(connection), shown)
    renderer = request.accepted_renderer
    if isinstance(renderer, JSONRenderer):
        return Response(values)
    found = values["svg"] if isinstance(renderer, SvgRenderer) else values["qr"]
    if found is None:
        raise Problem(
            404,
            f"No QR code is shown at the moment (the number is {values['status']}).",
            "nothing_shown",
        )
    return Response(found)


def _asked_for(request: Request, caller: Caller) -> Connection | None:
    values = _values(shapes.Which, request.query_params)
    return numbers.find(workspace=caller.workspace, connection_id=values.get("connection"))


@_endpoint("POST", may=access.MayManage, throttle=access.ConnectingThrottle)
def disconnect(request: Request, caller: Caller, now: datetime) -> Response:
    """Take a number off WhatsApp."""
    values = _values(shapes.Which, request.data)
    try:
        connection = numbers.disconnect(
            workspace=caller.workspace,
            connection_id=values.get("connection"),
            actor=caller.user,
            now=now,
        )
    except numbers.UnableToChoose as error:
        raise Problem(409, str(error)) from error
    return Response(shapes.status(_status_of(connection)))


# --- For everybody -------------------------------------------------------------------------


def _public(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Let everybody look, and nobody send."""

    @csrf_exempt
    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return errors.plain(405, {"Allow": "GET, HEAD"})
        return view(request)

    return answer


@_public
def description(request: HttpRequest) -> HttpResponse:
    """The API in OpenAPI 3.1."""
    return JsonResponse(schema.document(), json_dumps_params={"ensure_ascii": False, "indent": 1})


@_public
def docs(request: HttpRequest) -> HttpResponse:
    """The same for people."""
    return render(request, "api/docs.html", schema.page())
