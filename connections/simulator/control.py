"""The control side, for tests, commands and the page: numbers, customers, faults, what happened."""

import re
from dataclasses import asdict, replace
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, JsonResponse

from connections.simulator import access, inbound, records, sending, stage
from connections.simulator.faults import EVERYWHERE, UnableToRead
from connections.simulator.records import Json, Message, Number

_NUMBER_FIELDS = (
    "phone_number_id", "waba_id", "display_phone_number", "name", "app_secret", "access_token",
    "callback_url", "workspace_slug",
)  # fmt: skip
_REQUIRED = ("phone_number_id", "waba_id", "display_phone_number", "app_secret")


def _word(body: Json, name: str) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise UnableToRead(f"{name} is a string.")
    return str(value).strip()


def number_from(body: Json) -> Number:
    """Return the registered number that a control request names. Raises UnableToRead."""
    identifier = _word(body, "phone_number_id")
    if not identifier and len(numbers := stage.world.numbers()) == 1:
        return numbers[0]
    number = stage.world.number(identifier)
    if number is None:
        raise UnableToRead(f"No number {identifier!r} is registered: POST /control/numbers first.")
    return number


@access.local("GET", "POST", "DELETE")
def numbers(request: HttpRequest) -> HttpResponse:
    """Register a business number (the same one again: update it), list or forget numbers."""
    if request.method == "DELETE":
        return JsonResponse(
            {"forgotten": stage.world.forget_number(request.GET.get("phone_number_id", ""))}
        )
    if request.method == "POST":
        return _register(access.read_json(request))
    return JsonResponse({"numbers": [_shown(n) for n in stage.world.numbers()]})


def _register(body: Json) -> HttpResponse:
    given = {name: _word(body, name) for name in _NUMBER_FIELDS if name in body}
    known = stage.world.number(given.get("phone_number_id", ""))
    if known is None:
        for name in _REQUIRED:
            if not given.get(name):
                raise UnableToRead(f"{name} is missing.")
    for name in ("phone_number_id", "waba_id"):
        if name in given and not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", given[name]):
            raise UnableToRead(f"{name} has letters and digits only.")
    if "display_phone_number" in given and not records.digits(given["display_phone_number"]):
        raise UnableToRead("display_phone_number is a phone number.")
    url = given.get("callback_url")
    if url and urlsplit(url).scheme not in ("http", "https"):
        raise UnableToRead("callback_url begins with http:// or https://.")
    if known is None:
        given["name"] = given.get("name") or given["display_phone_number"]
    number = replace(known) if known else Number("", "", "", "", "")
    for name, value in given.items():
        setattr(number, name, value)
    stage.world.register(number)
    return JsonResponse(
        _shown(number) | {"created": known is None}, status=201 if known is None else 200
    )


def _shown(number: Number) -> Json:
    facts = asdict(number)
    for secret in ("app_secret", "access_token", "profile", "templates"):
        del facts[secret]
    facts["waiting"] = stage.deliveries.waiting(number.phone_number_id)
    facts["accepted"] = stage.world.accepted_count(number.phone_number_id)
    return facts


@access.local("POST")
def customers(request: HttpRequest) -> HttpResponse:
    """Make up a customer with a phone, or with a username and no phone."""
    body = access.read_json(request)
    name, phone, username = (_word(body, key) for key in ("name", "phone", "username"))
    user_id = _word(body, "user_id")
    if phone and not 7 <= len(records.digits(phone)) <= 15:
        raise UnableToRead("phone has 7 to 15 digits, with the country code.")
    if not phone and not username and not user_id:
        raise UnableToRead("A customer has a phone, or a username.")
    key = phone or user_id or records.user_id_of(username)
    customer = stage.world.meet(key, name=name or username, username=username)
    return JsonResponse(asdict(customer) | {"key": customer.key})


@access.local("POST")
def receive(request: HttpRequest) -> HttpResponse:
    """Let customers write: one message, `count` of it, or `messages`, in one webhook if `batch`."""
    body = access.read_json(request)
    number = number_from(body)
    items = body.get("messages")
    if items is None:
        count = body.get("count", 1)
        if (
            isinstance(count, bool)
            or not isinstance(count, int)
            or not 1 <= count <= inbound.MAX_MESSAGES
        ):
            raise UnableToRead(f"count is a whole number from 1 to {inbound.MAX_MESSAGES}.")
        items = [body] * count
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise UnableToRead("messages is a list of objects.")
    received = inbound.receive(number, items, batch=body.get("batch") is True)
    shown = [{"id": m.id, "from": m.customer} for m in received]
    return JsonResponse({"messages": shown, "count": len(shown)}, status=201)


@access.local("POST")
def echo(request: HttpRequest) -> HttpResponse:
    """Let the business answer on its own phone (`smb_message_echoes`)."""
    body = access.read_json(request)
    text, to = _word(body, "text"), _word(body, "to")
    if not text or not to:
        raise UnableToRead("to and text are needed.")
    message = inbound.echo(number_from(body), customer=stage.world.meet(to), text=text)
    return JsonResponse({"id": message.id}, status=201)


@access.local("POST")
def read(request: HttpRequest) -> HttpResponse:
    """The customer looks at the chat: report what was delivered as read."""
    body = access.read_json(request)
    customer = stage.world.customer(_word(body, "customer"))
    if customer is None:
        raise UnableToRead("customer is not known.")
    return JsonResponse({"read": sending.read_all(number_from(body), customer.key)})


@access.local("GET", "POST", "DELETE")
def faults(request: HttpRequest) -> HttpResponse:
    """Show, set or clear trouble, for one number or (without `phone_number_id`) for all."""
    if request.method == "DELETE":
        stage.faults.clear(request.GET.get("phone_number_id", ""))
        stage.world.touch()
    elif request.method == "POST":
        body = access.read_json(request)
        scope = _word(body, "phone_number_id") or EVERYWHERE
        stage.faults.put(scope, {k: v for k, v in body.items() if k != "phone_number_id"})
        stage.world.touch()
    return JsonResponse(stage.faults.show())


@access.local("GET")
def requests(request: HttpRequest) -> HttpResponse:
    """List the Graph API calls that came (the last 2,000), oldest first."""
    owner = request.GET.get("phone_number_id", "")
    seen = [asdict(r) for r in list(stage.requests) if not owner or r.phone_number_id == owner]
    return JsonResponse({"requests": seen[-_limit(request) :], "count": len(seen)})


@access.local("GET")
def messages(request: HttpRequest) -> HttpResponse:
    """List what was sent and accepted, in order. `after` continues from an earlier `next`."""
    owner, to = request.GET.get("phone_number_id", ""), request.GET.get("to", "")
    found = stage.world.messages(
        phone_number_id=owner,
        direction=request.GET.get("direction", "out"),
        after=_whole(request, "after", 0),
    )
    if to:
        customer = stage.world.customer(to)
        found = [m for m in found if customer and m.customer == customer.key]
    shown = found[: _limit(request)] if "after" in request.GET else found[-_limit(request) :]
    return JsonResponse(
        {
            "messages": [_listed(m) for m in shown],
            "accepted": stage.world.accepted_count(owner),
            "next": shown[-1].sequence if shown else _whole(request, "after", 0),
        }
    )


@access.local("GET")
def sends(request: HttpRequest) -> HttpResponse:
    """List what was accepted, in short and numbered: the last 50,000, or those `after` a number.

    With `count`, only say how many there were since the start and how many are kept.
    """
    if "count" in request.GET:
        kept = stage.world.sends(limit=1)
        accepted = stage.world.accepted_count()
        first = kept[0][0] if kept else accepted + 1
        return JsonResponse({"accepted": accepted, "kept": accepted - first + 1, "first": first})
    found = stage.world.sends(after=_whole(request, "after", 0), limit=_limit(request))
    return JsonResponse(found, safe=False)


def _listed(message: Message) -> Json:
    customer = stage.world.customer(message.customer)
    return {
        "id": message.id,
        "phone_number_id": message.phone_number_id,
        "direction": message.direction,
        "to": message.addressed or message.customer,
        "user_id": customer.user_id if customer else "",
        "type": message.type,
        "text": message.text,
        "content": message.content.get(message.type),
        "opaque": message.opaque,
        "context": message.context,
        "at": message.at,
        "status": message.status,
        "error": message.error or None,
    }


@access.local("GET", "POST")
def webhooks(request: HttpRequest) -> HttpResponse:
    """Show the last deliveries, or send any change as it is: `field` and `value`."""
    if request.method == "POST":
        body = access.read_json(request)
        number, name, value = number_from(body), _word(body, "field"), body.get("value")
        if not name or not isinstance(value, dict):
            raise UnableToRead("field is a word and value an object.")
        stage.deliveries.put(
            phone_number_id=number.phone_number_id, change=(name, value), kind="other", ids=()
        )
        return JsonResponse({"queued": True}, status=201)
    owner = request.GET.get("phone_number_id", "")
    log = [asdict(d) for d in list(stage.deliveries.log) if not owner or d.phone_number_id == owner]
    return JsonResponse(
        {
            "deliveries": log[-_limit(request) :],
            "waiting": stage.deliveries.waiting(owner),
            "delivered": stage.deliveries.delivered,
            "given_up": stage.deliveries.given_up,
        }
    )


@access.local("POST")
def reset(request: HttpRequest) -> HttpResponse:
    """Forget chats, faults, logs and waiting webhooks; with `numbers: true` the numbers too."""
    body = access.read_json(request)
    stage.reset(forget_numbers=body.get("numbers") is True)
    return JsonResponse({"reset": True})


def _limit(request: HttpRequest) -> int:
    return max(1, min(_whole(request, "limit", 10_000), 100_000))


def _whole(request: HttpRequest, name: str, default: int) -> int:
    value = request.GET.get(name, "")
    if value and not value.isdigit():
        raise UnableToRead(f"{name} is a whole number.")
    return int(value) if value else default
