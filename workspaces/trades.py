"""The kinds of business that there are ready answers for. A kind is kept with the workspace."""

from django.utils.translation import gettext_lazy as _

KINDS = (
    ("fashion", _("Fashion and fabrics")),
    ("food", _("Food and restaurant")),
    ("groceries", _("Groceries and provisions")),
    ("phones", _("Phones and gadgets")),
    ("beauty", _("Hair and beauty")),
    ("pharmacy", _("Pharmacy")),
    ("logistics", _("Delivery and logistics")),
    ("school", _("School and lessons")),
    ("clinic", _("Clinic and health")),
    ("hotel", _("Hotel and shortlet")),
    ("property", _("Houses and land")),
    ("events", _("Events and rentals")),
    ("other", _("Something else")),
)
