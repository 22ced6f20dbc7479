"""Phone numbers: one function, used everywhere, to and from E.164."""

import re
import unicodedata

import phonenumbers


class UnableToParsePhone(ValueError):
    """The text is not a phone number; the message is a sentence for the person who typed it."""


_ALLOWED = re.compile(r"^[+\d\s().\-/]*$")


def parse(text: str, *, country: str) -> str:
    """Return the number in E.164 (`+2348031234567`).

    `country` (ISO 3166-1 alpha-2) is assumed for numbers written without a country code.
    Accepts local (0803…), bare national (803…), international without plus (234803…), with
    00 or +, and `+234 (0) 803…`. Raises UnableToParsePhone with a sentence otherwise.
    """
    raw = unicodedata.normalize("NFKC", text or "").strip()
    raw = "".join(c for c in raw if unicodedata.category(c) != "Cf")
    raw = re.sub(r"^(?:tel|whatsapp):", "", raw, flags=re.I).strip()
    if not raw:
        raise UnableToParsePhone("Type a phone number, for example 0803 123 4567.")
    if len(raw) > 40 or not _ALLOWED.match(raw) or "+" in raw[1:]:
        raise UnableToParsePhone("A phone number has digits only, for example 0803 123 4567.")
    if not raw.isascii():  # Arabic or other digits: one form for all
        raw = "".join(str(unicodedata.digit(c, 0)) if c.isdigit() else c for c in raw)
    compact = re.sub(r"\(0\)", "", raw)
    compact = re.sub(r"[^\d+]", "", compact)
    if len(compact.lstrip("+0")) < 7:
        raise UnableToParsePhone(
            "That number is too short. Type it in full, with its network code."
        )
    for candidate in _candidates(compact, country.upper()):
        try:
            number = phonenumbers.parse(candidate, country.upper())
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number) or _is_test_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    raise UnableToParsePhone(
        "That is not a number we know. Type it with its country code, for example +234 803 123 4567."
    )


def _is_test_number(number: phonenumbers.PhoneNumber) -> bool:
    """Meta gives out test numbers of the area code 555, which belongs to no subscriber."""
    return (
        number.country_code == 1 and 5_550_000_000 <= (number.national_number or 0) <= 5_559_999_999
    )


def _candidates(compact: str, country: str) -> list[str]:
    code = str(phonenumbers.country_code_for_region(country) or "")
    if compact.startswith("+"):
        return [compact]
    if compact.startswith("00"):
        return ["+" + compact[2:]]
    forms = []
    # 234803… may be the country code without its plus; 803… and 0803… are national.
    if code and compact.startswith(code):
        forms.append("+" + compact)
    forms.append(compact)
    if not compact.startswith("0"):
        forms.append("+" + compact)
    return forms


def beginning(text: str, *, country: str) -> str:
    """Return how numbers in E.164 begin that people begin to write so (`+234806` for `0806`)."""
    digits = "".join(c for c in text if c.isascii() and c.isdigit())
    if text.strip().startswith("+"):
        return "+" + digits
    code = phonenumbers.country_code_for_region(country.upper())
    return f"+{code}{digits.lstrip('0')}" if digits.startswith("0") and code else "+" + digits


def from_whatsapp(identifier: str) -> str | None:
    """Return E.164 for WhatsApp's own form (digits without plus), or None when it is not a phone."""
    digits = identifier.strip().lstrip("+")
    if not digits.isascii() or not digits.isdigit() or not 7 <= len(digits) <= 15:
        return None
    return "+" + digits


def show(number: str | None) -> str:
    """Return the number as people write it (`+234 803 123 4567`)."""
    if not number:
        return ""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
