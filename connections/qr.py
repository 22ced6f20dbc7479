"""QR codes as SVG: for pages and for the API, without a picture format and without scripts."""

from functools import lru_cache

import segno
from django.utils.html import escape

# Scanners want four modules of white around the code.
_MARGIN = 4
_TITLE = "QR code that links this phone"


@lru_cache(maxsize=64)  # asked for every few seconds, and 20 ms to make
def svg_of(text: str, *, title: str = _TITLE) -> str:
    """Return `text` as a QR code in SVG, black on white whatever the page's colours are.

    It has no size of its own and fills what it is put into. Neither styles nor scripts are in
    it, so it may stand in a page with a strict content security policy. Raises ValueError for
    a text that no QR code holds (more than 2,953 bytes).
    """
    # The lowest correction makes the largest modules, and screens do not get dirty; segno
    # raises it where that costs no room.
    code = segno.make(text, error="l", micro=False)
    size = len(code.matrix) + 2 * _MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" role="img"'
        f' shape-rendering="crispEdges"><title>{escape(title)}</title>'
        f'<path fill="#fff" d="M0 0h{size}v{size}H0z"/>'
        f'<path fill="#000" d="{"".join(_bars(code.matrix))}"/></svg>'
    )


def _bars(rows: tuple[bytearray, ...]) -> list[str]:
    """Return each run of dark modules as a bar."""
    bars = []
    for y, row in enumerate(rows, start=_MARGIN):
        x = 0
        while x < len(row):
            length = 1
            while x + length < len(row) and row[x + length] == row[x]:
                length += 1
            if row[x]:
                bars.append(f"M{x + _MARGIN} {y}h{length}v1h-{length}z")
            x += length
    return bars
