"""The QR code as a picture: its modules are right, and a strict page may show it."""

import re
import secrets
from xml.etree import ElementTree

import pytest
import segno

from connections import qr

SVG = "{http://www.w3.org/2000/svg}"
LINK = "2@" + ",".join(["Rj0sWd1xq8V3mN5Hk2PzRj0sWd1xq8V3mN5Hk2PzRj0="] * 4) + ",1"


def modules(svg: str) -> list[list[int]]:
    """Paint the dark bars of the picture into rows of ones and zeros."""
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own
    size = int(root.attrib["viewBox"].split()[2])
    rows = [[0] * size for _ in range(size)]
    dark = root.findall(f"{SVG}path")[1]
    for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", dark.attrib["d"]):
        for column in range(int(x), int(x) + int(length)):
            rows[int(y)][column] = 1
    return rows


@pytest.mark.parametrize("text", ["2@a", LINK, "ü€ 漢", "x" * 2_900])
def test_the_modules_are_the_codes_with_a_quiet_margin(text: str) -> None:
    painted = modules(qr.svg_of(text))
    code = [list(row) for row in segno.make(text, error="l", micro=False).matrix]

    assert [row[4:-4] for row in painted[4:-4]] == code
    margin = painted[:4] + painted[-4:] + [row[:4] + row[-4:] for row in painted]
    assert not any(map(any, margin))
    finder = ["1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111"]
    assert ["".join(map(str, row[:7])) for row in code[:7]] == finder


def test_the_picture_is_black_on_white_scales_and_has_a_name() -> None:
    root = ElementTree.fromstring(qr.svg_of(LINK))  # noqa: S314

    assert root.tag == f"{SVG}svg" and "width" not in root.attrib
    assert (root.attrib["role"], root.attrib["shape-rendering"]) == ("img", "crispEdges")
    assert (root[0].tag, root[0].text) == (f"{SVG}title", "QR code that links this phone")
    assert [path.attrib["fill"] for path in root.findall(f"{SVG}path")] == ["#fff", "#000"]


def test_nothing_in_it_needs_a_looser_policy_and_the_text_is_not_in_it() -> None:
    word = secrets.token_hex(8)
    svg = qr.svg_of(f"<script>alert('{word}')</script>")

    assert not re.search(r"style|script|\son\w+=|href|url\(", svg)
    assert word not in svg


def test_a_text_that_no_code_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="too large|does not fit|[Dd]ata"):
        qr.svg_of("x" * 3_000)
