"""What the plans cost, and which one fits so many chats a day: for people who are not here yet."""

from dataclasses import dataclass

from billing import meters
from billing.models import Plan
from workspaces import scope

MOST = 100_000  # chats, or messages in one, that the calculator takes
USUAL_CHATS, USUAL_MESSAGES = 30, 3


@dataclass(frozen=True)
class Offer:
    """A plan as the pricing page shows it."""

    code: str
    name: str
    price: str  # a month
    price_minor: int
    currency: str
    per_day: int | None  # messages sent; None for no limit
    max_entries: int | None


@dataclass(frozen=True)
class Sum:
    """What so many chats a day need."""

    chats: int
    messages: int
    sent_a_day: int
    offer: Offer | None  # the cheapest that is enough
    a_chat: str  # its price for one chat, when it has one


def offers() -> list[Offer]:
    """Return the plans that are offered, the cheapest first."""
    with scope.system():
        plans = list(
            Plan.objects.filter(is_offered=True)
            .prefetch_related("allowances")
            .order_by("price_minor", "code")
        )
    return [
        Offer(
            code=plan.code,
            name=plan.name,
            price=money(plan.price_minor, plan.currency),
            price_minor=plan.price_minor,
            currency=plan.currency,
            per_day={row.meter_id: row.per_day for row in plan.allowances.all()}.get(
                meters.MESSAGES_SENT
            ),
            max_entries=plan.max_entries,
        )
        for plan in plans
    ]


def reckon(*, chats: int, messages: int, among: list[Offer]) -> Sum:
    """Return which of the offers carries `chats` a day with `messages` of ours in each."""
    sent = chats * messages
    enough = [offer for offer in among if offer.per_day is None or offer.per_day >= sent]
    best = min(enough, key=lambda offer: offer.price_minor, default=None)
    costs = best is not None and best.price_minor > 0 and chats > 0
    return Sum(
        chats=chats,
        messages=messages,
        sent_a_day=sent,
        offer=best,
        a_chat=money(-(-best.price_minor // (chats * 30)), best.currency) if best and costs else "",
    )


_SIGNS = {"NGN": "₦", "USD": "$", "GHS": "GH₵", "KES": "KSh "}


def money(minor: int, currency: str) -> str:
    """Write an amount as people do: whole where it is whole."""
    sign = _SIGNS.get(currency, f"{currency} ")
    return f"{sign}{minor // 100:,}" + (f".{minor % 100:02}" if minor % 100 else "")
