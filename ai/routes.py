"""Which model serves a route, and what it costs: a dated table, in nano-USD a token."""

from dataclasses import dataclass

from django.conf import settings

ECHO = "echo"


@dataclass(frozen=True)
class Price:
    """Nano-USD a token (0.01 USD per million tokens = 10)."""

    tokens_in: int
    tokens_out: int


# November 2026, from the vendors' price pages; unknown models are charged as the dearest.
PRICES = {
    ECHO: Price(0, 0),
    "gpt-6-luna": Price(100, 500),
    "claude-haiku-5-5": Price(100, 500),
    "gemini/gemini-2.5-flash-lite": Price(100, 400),
    "mistral/mistral-small-2603": Price(150, 600),
    "gpt-6.1-terra": Price(1000, 5000),
}
_DEAREST = Price(2000, 10000)
ORDER = ("fast", "backup")  # for a choice: at most two calls a message, ever


def model_of(route: str) -> str:
    """Return the model id of a route; the local echo model when no key is set."""
    model: str = settings.AI_ROUTES.get(route, "")
    return model if model and settings.AI_API_KEY else ECHO


def price_of(model: str) -> Price:
    """Return what a token of `model` costs."""
    return PRICES.get(model, _DEAREST)


def real() -> list[str]:
    """Return the routes that lead to a vendor's model, in order: none without a key."""
    return [route for route in ORDER if model_of(route) != ECHO]


def most(text: str, *, tokens_out: int) -> int:
    """Return the most that asking each route about `text` can cost, in nano-USD.

    Bytes / 1.3 is above every tokenizer seen.
    """
    tokens_in = int(len(text.encode()) / 1.3) + 1
    prices = [price_of(model_of(route)) for route in ORDER]
    dearest = max(tokens_in * price.tokens_in + tokens_out * price.tokens_out for price in prices)
    return dearest * len(ORDER)


def configured() -> list[str]:
    """Return the routes worth asking, in order: the echo model never overrules a real one."""
    first, *others = ORDER
    return [first, *(route for route in others if model_of(route) != ECHO)]
