"""A change that would break golden questions is held back and shown, until it is wanted anyway."""

from collections.abc import Callable, Sequence

from django.http import HttpRequest, HttpResponse

from faqs import golden
from workspaces import pages

_NOT_HANDED_ON = ("csrfmiddlewaretoken", "anyway")


def broken_by(request: HttpRequest, change: Callable[[], object]) -> list[golden.Broken]:
    """Return the golden questions that a change would break, unless it is wanted anyway."""
    return [] if request.POST.get("anyway") else golden.broken_by(change)


def page(request: HttpRequest, broken: Sequence[golden.Broken]) -> HttpResponse:
    """Show what would break, with a button that sends the same form once more.

    For forms that are a button or two: others show it among their own fields.
    """
    sent = request.POST.lists()
    fields = [(name, one) for name, all_ in sent if name not in _NOT_HANDED_ON for one in all_]
    context = {"broken": broken, "fields": fields}
    return pages.show(request, "faqs/held.html", context, part="held", status=422)
