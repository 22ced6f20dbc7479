"""What templates draw with: icons, charts, phone numbers, times. No queries."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from lib import clock, phones
from workspaces import loader

register = template.Library()

# Strokes on a 24 x 24 field, drawn for this project.
_ICONS = {
    "home": "M4 11.2 12 4l8 7.2V19a1 1 0 0 1-1 1h-4.5v-5.5h-5V20H5a1 1 0 0 1-1-1z",
    "inbox": "M4 5.5h16v10.8H9.8L5.6 20v-3.7H4zM8 9.5h8M8 12.5h5",
    "book": "M12 6.6C10.2 5.3 7.6 4.8 4 5v13c3.6-.2 6.2.3 8 1.6 1.8-1.3 4.4-1.8 8-1.6V5c-3.6-.2-6.2.3-8 1.6zm0 0v13",
    "number": "M8 3h8a1.5 1.5 0 0 1 1.5 1.5v15A1.5 1.5 0 0 1 16 21H8a1.5 1.5 0 0 1-1.5-1.5v-15A1.5 1.5 0 0 1 8 3zm2.5 15h3",
    "chart": "M4 20h16M6.5 16.5v-5M12 16.5v-11M17.5 16.5v-8",
    "check": "m5 12.5 4.5 4.5L19 7.5",
    "tick": "m6 12.5 4 4 8-8.5",
    "ticks": "m2.5 12.5 4 4 8-8.5M11 15.5l1 1 9-8.5",
    "clock": "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zm0 3.8V12l2.8 1.8",
    "alert": "M12 8.5v4.2m0 3.3v.1M12 4 3.5 19.5h17z",
    "info": "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zm0 4v.1m0 2.9v5",
    "bot": "M6 9h12a1.5 1.5 0 0 1 1.5 1.5v7A1.5 1.5 0 0 1 18 19H6a1.5 1.5 0 0 1-1.5-1.5v-7A1.5 1.5 0 0 1 6 9zm6 0V5m0 0h.1M9 13v1.5m6-1.5v1.5",
    "person": "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4.5 20c.8-3.5 3.6-5.2 7.5-5.2s6.7 1.7 7.5 5.2",
    "send": "M4 12 20 4.5l-4.5 15.5-4-6.5zm7.5 1.5L20 4.5",
    "search": "M10.8 4.5a6.3 6.3 0 1 0 0 12.6 6.3 6.3 0 0 0 0-12.6zm4.6 10.9L20 20",
    "plus": "M12 5v14M5 12h14",
    "minus": "M5 12h14",
    "up": "M12 15.5V4.5m0 0L7.5 9M12 4.5 16.5 9M4.5 15.5v3A1.5 1.5 0 0 0 6 20h12a1.5 1.5 0 0 0 1.5-1.5v-3",
    "down": "M12 4.5v11m0 0L7.5 11m4.5 4.5 4.5-4.5M4.5 15.5v3A1.5 1.5 0 0 0 6 20h12a1.5 1.5 0 0 0 1.5-1.5v-3",
    "x": "m6 6 12 12M18 6 6 18",
    "left": "m14.5 5.5-6.5 6.5 6.5 6.5",
    "right": "m9.5 5.5 6.5 6.5-6.5 6.5",
    "fold": "m6 9.5 6 6 6-6",
    "edit": "m5 19 .9-3.8L16.3 4.8l2.9 2.9L8.8 18.1zM14 7.1l2.9 2.9",
    "bin": "M5 7h14M9.5 7V4.5h5V7M7 7l.8 12.5h8.4L17 7",
    "out": "M13.5 4.5H6A1.5 1.5 0 0 0 4.5 6v12A1.5 1.5 0 0 0 6 19.5h7.5M10 12h10m0 0-3.5-3.5M20 12l-3.5 3.5",
    "shop": "M5 10v9.5h14V10M3.5 9.5 5.5 4.5h13l2 5a2.8 2.8 0 0 1-5.6 0 2.9 2.9 0 0 1-5.8 0 2.8 2.8 0 0 1-5.6 0zM10 19.5V15h4v4.5",
    "try": "M4 5.5h16v10.8h-6l-3.5 3.5v-3.5H4zM10.5 8.5v4.8l4-2.4z",
    "back": "M8.5 7.5 4 12l4.5 4.5M4.5 12H15a5 5 0 0 1 0 10",
    "link": "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1",
    "shield": "M12 3.8 5 6.5v5.2c0 4.2 2.8 7 7 8.5 4.2-1.5 7-4.3 7-8.5V6.5z",
    "gear": "M5 7h7.5m3 0H19M5 12h2.5m3 0H19M5 17h9.5m3 0H19M14 5.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6zM9 10.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6zM16 15.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z",
    "people": "M9 5a3.2 3.2 0 1 0 0 6.4A3.2 3.2 0 0 0 9 5zM2.8 19c.6-3 2.8-4.5 6.2-4.5s5.6 1.5 6.2 4.5M15.5 5.3a3.2 3.2 0 0 1 0 5.8M18 14.8c1.7.7 2.8 2.1 3.2 4.2",
    "list": "M9 6h11M9 12h11M9 18h11M4.5 6h.1M4.5 12h.1M4.5 18h.1",
    "tag": "M4 5.5v6.2l8.3 8.3 6.7-6.7L10.7 5zM8 9h.1",
    "note": "M5 4.5h14v9.5l-5.5 5.5H5zM19 14h-5.5v5.5M8.5 9h7M8.5 12.5h4",
    "keys": "M4 6.5h16v11H4zM7.5 10h.1m3 0h.1m3 0h.1m3 0h.1M8.5 14h7",
    "block": "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM6.5 6.5l11 11",
    "clip": "m8 12.5 5.5-5.5a2.7 2.7 0 0 1 3.8 3.8l-7 7a4.5 4.5 0 0 1-6.4-6.4L11 4.5",
}  # fmt: skip


@register.simple_tag
def icon(name: str, label: str = "", size: int = 20) -> SafeString:
    """Draw an icon; without a label it is decoration."""
    said = (
        format_html('role="img" aria-label="{}"', label)
        if label
        else mark_safe('aria-hidden="true"')
    )
    return format_html(
        '<svg {} width="{}" height="{}" viewBox="0 0 24 24" fill="none" stroke="currentColor"'
        ' stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"><path d="{}"/></svg>',
        said,
        size,
        size,
        _ICONS[name],
    )


@register.simple_tag(name="loader")
def loader_script() -> SafeString:
    """Write the script that fetches the others (workspaces.loader), for a `<script>` of its own."""
    return mark_safe(loader.SCRIPT)  # noqa: S308 - a constant


@register.filter
def undo(tags: str | None) -> dict[str, Any]:
    """Return where and what to post to take back what a toast tells (workspaces.toasts); or {}."""
    if not tags or not tags.startswith("{"):
        return {}
    way_back: dict[str, Any] = json.loads(tags)
    return way_back


@register.filter
def phone(number: str | None) -> str:
    """Write a number as people do."""
    return phones.show(number)


_MARKS = (
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]{1,300})(?<=\S)\*(?![\w*])"), r"<b>\1</b>"),
    (re.compile(r"(?<![\w_])_(?=\S)([^_\n]{1,300})(?<=\S)_(?![\w_])"), r"<i>\1</i>"),
    (re.compile(r"(?<![\w~])~(?=\S)([^~\n]{1,300})(?<=\S)~(?![\w~])"), r"<s>\1</s>"),
)


@register.filter
def chat(text: str) -> SafeString:
    """Show *bold*, _slanted_ and ~struck~ words as WhatsApp does; everything else is escaped."""
    shown = str(escape(text))
    for mark, form in _MARKS:
        shown = mark.sub(form, shown)
    return mark_safe(shown)  # noqa: S308 - escaped first; only our own tags are added


@register.filter
def initial(name: str) -> str:
    """Return the letter for a face; a number sign when the name is a number or missing."""
    first = next((character for character in name if character.isalnum()), "")
    return first.upper() if first and not first.isdigit() else "#"


@register.filter
def moment(value: datetime | None) -> str:
    """Say when, as short as it stays clear: 14:02, Yesterday, Mon, 12 Nov, 12 Nov 2025."""
    if value is None:
        return ""
    local, today = timezone.localtime(value), timezone.localtime(clock.now()).date()
    days = (today - local.date()).days
    if days == 0:
        return f"{local:%H:%M}"
    if days == 1:
        return "Yesterday"
    if 1 < days < 7:
        return f"{local:%a}"
    return day(local.date()) if local.year == today.year else f"{day(local.date())} {local.year}"


@register.filter
def at(value: datetime | None) -> str:
    """Say when to the minute: 14:02, yesterday 14:02, 12 Nov 14:02."""
    if value is None:
        return ""
    local = timezone.localtime(value)
    word = moment(value)
    return word if ":" in word else f"{word} {local:%H:%M}"


@register.filter
def day(value: date) -> str:
    """Write a day as 3 Nov."""
    return f"{value.day} {value:%b}"


@register.filter
def wait(since: datetime | None) -> str:
    """Say how long ago in words: under a minute, 11 min, 3 h, 2 days."""
    if since is None:
        return ""
    minutes = int((clock.now() - since).total_seconds() // 60)
    if minutes < 1:
        return "under a minute"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // (24 * 60)} days"


@register.filter
def thousandths(value: int) -> str:
    """Write milliseconds: 38 ms, 1.2 s, 3 min."""
    if value < 1_000:
        return f"{value} ms"
    return f"{value / 1_000:.1f} s" if value < 60_000 else f"{value // 60_000} min"


@register.filter
def times(value: int, factor: int) -> int:
    """Multiply, for places in a drawing."""
    return value * factor


@register.filter
def at_index(row: Sequence[object], index: int) -> object:
    """Return one of a row, by its place."""
    return row[index]


@dataclass(frozen=True)
class Column:
    """One day of a chart, in the drawing's own units."""

    x: int
    x_second: int
    width: int
    slot: int
    slot_width: int
    y_first: int
    y_second: int
    first: int
    second: int
    title: str
    label: str
    label_x: int


_HEIGHT, _TOP, _LEFT, _RIGHT = 120, 8, 30, 12


def _drawing(
    days: Sequence[tuple[date, int, int]], names: tuple[str, str], width: int
) -> dict[str, object]:
    most = _round_up(max((max(first, second) for _, first, second in days), default=0))
    slot = (width - _LEFT - _RIGHT) / max(1, len(days))
    bar = max(2, round(slot * 0.36))
    every = max(1, -(-len(days) * 46 // (width - _LEFT)))
    columns = []
    for index, (when, first, second) in enumerate(days):
        left = _LEFT + index * slot
        heights = [round(value * _HEIGHT / most) for value in (first, second)]
        columns.append(
            Column(
                x=round(left + slot * 0.12),
                x_second=round(left + slot * 0.12) + bar + 1,
                width=bar,
                slot=round(left),
                slot_width=round(slot),
                y_first=_TOP + _HEIGHT - heights[0],
                y_second=_TOP + _HEIGHT - heights[1],
                first=heights[0],
                second=heights[1],
                title=f"{day(when)}: {names[0].lower()} {first:,}, {names[1].lower()} {second:,}",
                label=day(when) if (len(days) - 1 - index) % every == 0 else "",
                label_x=round(left + slot / 2),
            )
        )
    lines = [(_TOP + _HEIGHT - round(part * _HEIGHT / 2), most * part // 2) for part in (0, 1, 2)]
    return {
        "width": width,
        "height": _HEIGHT + _TOP + 22,
        "base": _TOP + _HEIGHT,
        "label_y": _TOP + _HEIGHT + 17,
        "left": _LEFT,
        "columns": columns,
        "lines": lines,
    }


def _round_up(most: int) -> int:
    step = 2
    for candidate in (2, 4, 10, 20, 40, 60, 100):
        scale = 1
        while candidate * scale < most and scale < 10**9:
            scale *= 10
        if candidate * scale >= most and (step < most or candidate * scale < step):
            step = candidate * scale
    return max(2, step)


@register.inclusion_tag("parts/bars.html")
def bars(days: Sequence[tuple[date, int, int]], first: str, second: str) -> dict[str, object]:
    """Draw two bars a day: all days for wide screens, the last 14 for phones."""
    names = (first, second)
    return {
        "wide": _drawing(days, names, 680),
        "slim": _drawing(days[-14:], names, 320),
        "first": first,
        "second": second,
    }
