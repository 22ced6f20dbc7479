"""The rest of the Graph API: numbers, accounts, profiles, registration, templates, blocking."""

import re
import secrets

from django.http import HttpRequest, HttpResponse, JsonResponse

from connections.simulator import (
    access,
    doors,
    errors,
    graph,
    records,
    stage,
    templates,
    validation,
)
from connections.simulator.errors import GraphError
from connections.simulator.records import Json, Number

_PROFILE_FIELDS = (
    "about", "address", "description", "email", "profile_picture_url", "vertical", "websites"
)  # fmt: skip
_DONE: Json = {"success": True}


def _fields(request: HttpRequest, facts: Json, default: tuple[str, ...]) -> Json:
    """Return the facts that `?fields=` asks for, the default ones without it."""
    asked = str(request.GET.get("fields", ""))
    names = [re.sub(r"[{.(].*$", "", name.strip()) for name in re.split(r",(?![^{(]*[)}])", asked)]
    wanted = [name for name in names if name] or list(default)
    return {name: facts[name] for name in wanted if name in facts} | {"id": facts["id"]}


def _page(items: list[Json]) -> Json:
    return {"data": items, "paging": {"cursors": {"before": "MAZDZD", "after": "MjQZD"}}}


def _facts(number: Number) -> Json:
    status = "CONNECTED" if number.registered else "PENDING"
    return {
        "id": number.phone_number_id,
        "display_phone_number": number.display_phone_number,
        "verified_name": number.name,
        "quality_rating": "GREEN",
        "code_verification_status": "VERIFIED",
        "name_status": "APPROVED",
        "new_name_status": "NONE",
        "status": status,
        "platform_type": "CLOUD_API",
        "account_mode": "LIVE",
        "is_official_business_account": False,
        "is_pin_enabled": number.registered,
        "is_on_biz_app": False,
        "messaging_limit_tier": "TIER_2K",
        "whatsapp_business_manager_messaging_limit": "TIER_2K",
        "throughput": {"level": "STANDARD"},
        "webhook_configuration": {
            "application": number.callback_url or stage.default_callback_url,
            "phone_number": number.override_url,
        },
        "health_status": {
            "can_send_message": "AVAILABLE" if number.registered else "BLOCKED",
            "entities": [
                {"entity_type": kind, "id": identifier, "can_send_message": "AVAILABLE"}
                for kind, identifier in (
                    ("PHONE_NUMBER", number.phone_number_id),
                    ("WABA", number.waba_id),
                )
            ],
        },
    }


_NUMBER_FIELDS = (
    "verified_name", "code_verification_status", "display_phone_number", "quality_rating",
    "platform_type", "throughput", "webhook_configuration", "id",
)  # fmt: skip


@access.graph
def node(request: HttpRequest, node: str) -> HttpResponse:
    """`/{id}`: a business number, an account or a file."""
    if file := stage.media.get(node):
        if request.method == "DELETE":
            owner = request.GET.get("phone_number_id", file.phone_number_id)
            if owner != file.phone_number_id:
                raise errors.no_such_node(node, "DELETE")
            stage.media.delete(node)
            return JsonResponse(_DONE)
        if request.method == "GET":
            return graph.describe(request, file)
    if number := stage.world.number(node):
        if request.method == "GET":
            return JsonResponse(_fields(request, _facts(number), _NUMBER_FIELDS))
        if request.method == "POST":
            return _configure(request, number)
    if request.method == "GET" and (numbers := stage.world.numbers(waba_id=node)):
        facts: Json = {
            "id": node,
            "name": numbers[0].name,
            "currency": "USD",
            "timezone_id": "1",
            "message_template_namespace": f"simulator_{node}",
            "account_review_status": "APPROVED",
            "business_verification_status": "verified",
            "status": "ACTIVE",
            "country": "NG",
        }
        default = ("id", "name", "currency", "timezone_id", "message_template_namespace")
        return JsonResponse(_fields(request, facts, default))
    raise errors.no_such_node(node, request.method or "GET")


def _configure(request: HttpRequest, number: Number) -> HttpResponse:
    body = access.read_body(request)
    hook = body.get("webhook_configuration")
    if isinstance(hook, dict):
        _override([number], hook)
    return JsonResponse(_DONE)


def _override(numbers: list[Number], body: Json) -> None:
    """Point webhooks elsewhere, after the address has proved itself. Raises GraphError 2200."""
    url, token = str(body.get("override_callback_uri") or ""), str(body.get("verify_token") or "")
    if url:
        challenge = str(secrets.randbelow(10**10))
        if not url.startswith(("http://", "https://")) or not doors.fetch_challenge(
            url, verify_token=token, challenge=challenge
        ):
            raise GraphError(
                2200,
                message="(#2200) Callback verification failed with the following errors: the URL "
                "could not be validated. Response does not match challenge.",
                status=400,
            )
    for number in numbers:
        number.override_url = url
    stage.world.touch()


@access.graph
def phone_numbers(request: HttpRequest, node: str) -> HttpResponse:
    """`GET /{waba_id}/phone_numbers`."""
    numbers = _account(request, node)
    return JsonResponse(_page([_fields(request, _facts(n), _NUMBER_FIELDS) for n in numbers]))


def _account(request: HttpRequest, node: str) -> list[Number]:
    numbers = stage.world.numbers(waba_id=node)
    if not numbers:
        raise errors.no_such_node(node, request.method or "GET")
    return numbers


@access.graph
def subscribed_apps(request: HttpRequest, node: str) -> HttpResponse:
    """`/{waba_id}/subscribed_apps`: without a subscription no webhook is sent."""
    numbers = _account(request, node)
    if request.method == "GET":
        app: Json = {
            "id": "100200300",
            "name": "Backroom",
            "link": "https://www.facebook.com/games/",
        }
        shown = [{"whatsapp_business_api_data": app}] if numbers[0].subscribed else []
        return JsonResponse({"data": shown})
    if request.method == "POST":
        _override(numbers, access.read_body(request))
    for number in numbers:
        number.subscribed = request.method == "POST"
    stage.world.touch()
    return JsonResponse(_DONE)


@access.graph
def registration(request: HttpRequest, node: str, act: str) -> HttpResponse:
    """`POST /{phone_number_id}/register` (with a PIN of six digits) and `/deregister`."""
    number = access.number_of(node, request)
    body = access.read_body(request)
    if act == "register":
        if body.get("messaging_product") != "whatsapp":
            raise validation.required("messaging_product")
        if not re.fullmatch(r"\d{6}", str(body.get("pin") or "")):
            raise GraphError(100, message="(#100) Param pin must be a string of 6 digits.")
    number.registered = act == "register"
    stage.world.touch()
    return JsonResponse(_DONE)


@access.graph
def profile(request: HttpRequest, node: str) -> HttpResponse:
    """`/{phone_number_id}/whatsapp_business_profile`."""
    number = access.number_of(node, request)
    if request.method == "POST":
        body = access.read_body(request)
        if body.get("messaging_product") != "whatsapp":
            raise validation.required("messaging_product")
        number.profile |= {name: body[name] for name in _PROFILE_FIELDS if name in body}
        stage.world.touch()
        return JsonResponse(_DONE)
    asked = [f for f in str(request.GET.get("fields", "")).split(",") if f] or list(_PROFILE_FIELDS)
    facts: Json = {"vertical": "UNDEFINED"} | number.profile
    shown = {name: facts[name] for name in asked if name in facts}
    return JsonResponse({"data": [shown | {"messaging_product": "whatsapp"}]})


@access.graph
def block_users(request: HttpRequest, node: str) -> HttpResponse:
    """`/{phone_number_id}/block_users`: only customers who wrote can be blocked."""
    number = access.number_of(node, request)
    if request.method == "GET":
        shown = [
            {"messaging_product": "whatsapp", "wa_id": c.wa_id, "user_id": c.user_id}
            for key in number.blocked
            if (c := stage.world.customer(key))
        ]
        return JsonResponse(_page([{k: v for k, v in item.items() if v} for item in shown]))
    users = access.read_body(request).get("block_users")
    if not isinstance(users, list) or not users:
        raise validation.required("block_users")
    done: list[Json] = []
    failed: list[Json] = []
    for user in users:
        given = str(
            (user.get("user") or user.get("user_id") or "") if isinstance(user, dict) else ""
        )
        customer = stage.world.customer(given)
        if customer is None or not stage.world.chat((node, customer.key)).last_inbound_at:
            error = GraphError(139100, "The user has not written in the last 24 hours.")
            failed.append({"input": given, "errors": [error.body()["error"]]})
            continue
        named = "user_id" if records.USER_ID.match(given) else "wa_id"
        done.append(
            {"input": given, named: customer.user_id if named == "user_id" else customer.wa_id}
        )
        others = [key for key in number.blocked if key != customer.key]
        number.blocked = [*others, customer.key] if request.method == "POST" else others
    stage.world.touch()
    name = "added_users" if request.method == "POST" else "removed_users"
    body: Json = {"messaging_product": "whatsapp", "block_users": {name: done}}
    if failed:
        body["block_users"] = {name: done, "failed_users": failed}
        body["errors"] = GraphError(139100).body()["error"]
    return JsonResponse(body)


@access.graph
def message_templates(request: HttpRequest, node: str) -> HttpResponse:
    """`/{waba_id}/message_templates`: list, make, delete by name."""
    numbers = _account(request, node)
    if request.method == "POST":
        body = access.read_body(request)
        made = [templates.make(body, number=number) for number in numbers]
        stage.world.touch()
        return JsonResponse(made[0])
    if request.method == "DELETE":
        name = request.GET.get("name", "")
        for number in numbers:
            number.templates = [t for t in number.templates if t["name"] != name]
        stage.world.touch()
        return JsonResponse(_DONE)
    shown = templates.listed(numbers[0])
    if wanted := request.GET.get("name"):
        shown = [t for t in shown if t["name"] == wanted]
    return JsonResponse(_page(shown))


@access.graph
def nothing(request: HttpRequest, node: str) -> HttpResponse:
    """Whatever the simulator does not know is answered as an unknown object."""
    raise errors.no_such_node(node, request.method or "GET")
