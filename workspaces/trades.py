"""The kinds of business that a workspace can be of: what fits them is looked up by these codes."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# The commonest among small businesses in Nigeria, most common first.
KINDS: list[tuple[str, str | Promise]] = [
    ("fashion", _("Fashion and fabrics")),
    ("food", _("Food and restaurant")),
    ("groceries", _("Groceries and provisions")),
    ("phones", _("Phones and gadgets")),
    ("beauty", _("Hair and beauty")),
    ("pharmacy", _("Pharmacy")),
    ("logistics", _("Delivery and logistics")),
    ("school", _("School and lessons")),
    ("clinic", _("Clinic")),
    ("hotel", _("Hotel and shortlet")),
    ("property", _("Real estate")),
    ("events", _("Events and tailoring")),
]


def label(code: str) -> str:
    """Return what a kind is called; an empty string for none, or one that is not known."""
    return str(dict(KINDS).get(code, ""))
