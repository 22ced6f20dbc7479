"""One function for phone numbers: every way people write them becomes one number."""

import time

import pytest

from lib import phones

NIGERIAN = "+2348031234567"


@pytest.mark.parametrize(
    "written",
    [
        "0803 123 4567",
        "08031234567",
        "8031234567",
        "803 123 4567",
        "2348031234567",
        "234 803 123 4567",
        "002348031234567",
        "00234 803 123 4567",
        "+2348031234567",
        "+234 803 123 4567",
        "+234 (0) 803 123 4567",
        "+234(0)8031234567",
        "+23408031234567",
        "23408031234567",
        "(0803) 123-4567",
        "0803-123-4567",
        "0803.123.4567",
        "0803/123/4567",
        "  0803 123 4567\n",
        "tel:+2348031234567",
        "whatsapp:+2348031234567",
        "WhatsApp: 0803 123 4567",
        "\u202a+234 803 123 4567\u202c",  # copied from a contact card
        "0803\u00a0123\u00a04567",
        "0803\u20131234567".replace("\u2013", "-"),
        "٠٨٠٣١٢٣٤٥٦٧",  # Arabic-Indic digits
        "۰۸۰۳۱۲۳۴۵۶۷",  # Persian digits
        "０８０３１２３４５６７",  # full width
    ],
)
def test_every_way_to_write_a_nigerian_number_is_one_number(written: str) -> None:
    assert phones.parse(written, country="NG") == NIGERIAN


@pytest.mark.parametrize(
    ("written", "country", "number"),
    [
        ("+44 7911 123456", "NG", "+447911123456"),
        ("00447911123456", "NG", "+447911123456"),
        ("447911123456", "NG", "+447911123456"),
        ("+1 212 555 2368", "NG", "+12125552368"),
        ("+1 (555) 078-3881", "NG", "+15550783881"),  # Meta's test numbers
        ("15550783881", "NG", "+15550783881"),
        ("+234 803 123 4567", "GB", NIGERIAN),
        ("234 803 123 4567", "US", NIGERIAN),
        ("024 412 3456", "GH", "+233244123456"),
        ("233 24 412 3456", "GH", "+233244123456"),
        ("0712 345 678", "KE", "+254712345678"),
        ("712345678", "KE", "+254712345678"),
        ("07911 123456", "GB", "+447911123456"),
        ("+44 (0) 7911 123456", "GB", "+447911123456"),
        ("082 123 4567", "ZA", "+27821234567"),
        ("(212) 555-2368", "US", "+12125552368"),
        ("0803 123 4567", "ng", NIGERIAN),
    ],
)
def test_a_number_keeps_its_country(written: str, country: str, number: str) -> None:
    assert phones.parse(written, country=country) == number


@pytest.mark.parametrize(
    "written",
    [
        "",
        "   ",
        "0",
        "112",
        "5543",
        "*556#",
        "0803",
        "0803 123 45",
        "0803 123 45678",
        "0000 000 0000",
        "000000000000000",
        "1234567890123456789",
        "+",
        "+0",
        "++2348031234567",
        "+234+8031234567",
        "+999 1234567",
        "080three1234567",
        "0803 123 4567 or 0805 123 4567",
        "call me",
        "ngozi@acme.example",
        "=0803+1",
        "😀" * 11,
        "٫٬",
        "½½½½½½½½½½",
        "0803\x001234567",
        "1" * 4096,
        "+" + "9" * 4095,
        "a" * 4096,
        "٠" * 4096,
        "\u202a" * 4096,
        "\ufdfa" * 1024,
    ],
)
@pytest.mark.parametrize("country", ["NG", "GB", "XX", ""])
def test_what_is_no_number_gives_a_sentence(written: str, country: str) -> None:
    started = time.perf_counter()

    with pytest.raises(phones.UnableToParsePhone) as caught:
        phones.parse(written, country=country)

    assert str(caught.value).endswith(".")
    assert time.perf_counter() - started < 0.05


def test_a_local_number_without_a_known_country_is_no_number() -> None:
    with pytest.raises(phones.UnableToParsePhone):
        phones.parse("0803 123 4567", country="XX")


def test_whatsapps_own_form_is_read_and_other_addresses_are_not() -> None:
    assert phones.from_whatsapp("2348031234567") == NIGERIAN
    assert phones.from_whatsapp("+2348031234567 ") == NIGERIAN
    for other in ("", "NG.13491208655302741918", "123456", "1" * 16, "٠٨٠٣١٢٣٤٥٦٧", "12a4567890"):
        assert phones.from_whatsapp(other) is None


def test_a_number_is_shown_as_people_write_it() -> None:
    assert phones.show(NIGERIAN) == "+234 803 123 4567"
    assert phones.show(None) == phones.show("") == ""
    assert phones.show("nonsense") == "nonsense"
