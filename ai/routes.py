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


def configured() -> list[str]:
    """Return the routes worth asking, in order: the echo model never overrules a real one."""
    first, *others = ORDER
    return [first, *(route for route in others if model_of(route) != ECHO)]
