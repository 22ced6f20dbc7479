"""Usage: how much of everything, by day and number, on a page and in files; and what plans cost."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from billing import metering, meters, months, plans, pricing, reports
from billing.forms import ReckonForm
from lib import clock, tables
from workspaces import members, onboarding, pages
from workspaces.decorators import member_required
from workspaces.routing import WorkspaceRequest

_TABLES = {
    "": ("", months.table),
    "number": ("-by-number", months.table_by_number),
    "detail": ("-by-day-and-number", months.table_in_detail),
}
_SHEETS = (("Usage", ""), ("By number", "number"), ("By day and number", "detail"))


def _no_such_month(request: WorkspaceRequest) -> HttpResponse:
    asked: dict[str, Any] = {"asked": request.GET.get("month", "")[:20]}
    return pages.show(request, "billing/no_month.html", asked, status=400)


@require_GET
@member_required("viewer")
def usage_show(request: WorkspaceRequest) -> HttpResponse:
    """A month's usage."""
    now, space = clock.now(), request.workspace
    try:
        month = months.month(workspace=space, name=request.GET.get("month", ""), now=now)
    except ValueError:
        return _no_such_month(request)
    may_manage = members.may(request.member, "manager")
    setup = onboarding.read(space)
    if may_manage and setup.is_led and "usage" not in setup.done:
        onboarding.finish(space, "usage")
    standing = plans.standing(workspace=space, now=now)
    per_day = standing.per_day(meters.MESSAGES_SENT)
    # What counts against a limit is reserved before it is sent; without one, the ledger knows.
    used = (
        reports.sent_on(workspace=space, day=clock.local_day(now, space.time_zone))
        if per_day is None
        else metering.used_today(workspace=space, meter=meters.MESSAGES_SENT, now=now)
    )
    context = {
        "month": month,
        "standing": standing,
        "used_today": used,
        "per_day": per_day,
        "left_today": max(0, per_day - used) if per_day is not None else None,
        "sample": months.sample(now=now),
        "may_export": may_manage,
    }
    return pages.show(request, "billing/usage.html", context)


@require_GET
@member_required("viewer")
def usage_export(request: WorkspaceRequest, form: str) -> HttpResponse:
    """A month's usage as a file: a table as CSV, or all three as one workbook."""
    name, now, space = request.GET.get("month", ""), clock.now(), request.workspace
    suffix, table = _TABLES.get(request.GET.get("by", ""), _TABLES[""])
    title = f"usage-{space.slug}-{name or 'month'}"
    try:
        if form == "csv":
            text = tables.to_csv(*table(workspace=space, name=name, now=now))
            return pages.download(f"{title}{suffix}.csv", text, pages.CSV)
        sheets = [
            (sheet, *_TABLES[by][1](workspace=space, name=name, now=now)) for sheet, by in _SHEETS
        ]
    except ValueError:
        return _no_such_month(request)
    return pages.download(f"{title}.xlsx", tables.to_book(sheets), pages.XLSX)


@require_GET
def pricing_show(request: HttpRequest) -> HttpResponse:
    """What it costs, for everybody, and what so many chats a day need."""
    offers = pricing.offers()
    usual = {"chats": pricing.USUAL_CHATS, "messages": pricing.USUAL_MESSAGES}
    asked = {name: request.GET.get(name, str(value)) for name, value in usual.items()}
    form = ReckonForm(asked)
    found = pricing.reckon(among=offers, **form.cleaned_data) if form.is_valid() else None
    context = {"offers": offers, "form": form, "found": found, "trial_days": settings.TRIAL_DAYS}
    status = 200 if found else 422
    response = pages.show(request, "billing/pricing.html", context, part="sum", status=status)
    return pages.for_everybody(response)
