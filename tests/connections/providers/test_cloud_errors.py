"""Every error code of Meta's leads to its action."""

import re

import pytest

from connections import providers
from connections.providers import cloud_error_table as table
from connections.providers import cloud_errors
from connections.providers.base import Code, Slow
from lib import http

# What is to be done, by code; the left column is Meta's page, in the order of our notes.
RETRIED = (1, 2, 131000, 131016, 133004, 131057, 4, 80007, 130429, 131056)
SWITCHED_OFF = (0, 190, 3, 10, 200, 250, 299, 131005, 131031, 131042, 131045, 133010, 368)
OWNER_TOLD = (
    *SWITCHED_OFF, 131048, 131030, 131037, 130497, 132015, 132016,
    133005, 133008, 133009, 133006, 133015, 133016,
)  # fmt: skip
FINAL = (
    131049, 131050, 130472, 131026, 131047, 131021, 131051, 131052, 131053, 100, 131008, 131009,
    33, 131062, 132000, 132005, 132007, 132012, 132001, 132068, 132069, 135000, 2593107, 2593108,
)  # fmt: skip
KNOWN = {*RETRIED, *OWNER_TOLD, *FINAL, *range(200, 300)}


def _answer(status: int, error: object) -> http.Answer:
    return http.Answer(status=status, data={"error": error}, headers={}, ms=1)


def test_the_table_knows_every_code() -> None:
    assert set(table.RULES) == KNOWN
    assert re.fullmatch(r"20\d\d-\d\d", table.TABLE_DATE)


@pytest.mark.parametrize("code", sorted(KNOWN - set(range(201, 299))))
@pytest.mark.parametrize("by_status", [False, True])
def test_a_code_leads_to_its_action(code: int, by_status: bool) -> None:
    error = (
        cloud_errors.from_status_error(code)
        if by_status
        else cloud_errors.from_answer(_answer(400, {"code": code}))
    )

    assert error.retryable == (code in RETRIED)
    assert error.switch_off == (code in SWITCHED_OFF)
    assert error.vendor_code == str(code)
    if error.retryable:
        assert error.wait_seconds(1)
    if code in OWNER_TOLD:
        assert error.tell_owner


@pytest.mark.parametrize("rule", {*table.RULES.values(), table.REJECTED, table.UNREACHABLE})
def test_a_sentence_is_fit_for_an_owner(rule: table.Rule) -> None:
    assert rule.sentence.endswith(".") and 40 < len(rule.sentence) <= 300
    assert not re.search(r"[{}_]|\b(API|HTTP|token|OAuth|null|error \d)\b", rule.sentence)


@pytest.mark.parametrize(
    ("code", "ours"),
    [
        (131047, Code.WINDOW_CLOSED),
        (131026, Code.CONTACT_BLOCKED),
        (131050, Code.CONTACT_BLOCKED),
        (190, Code.LOGGED_OUT),
        (131031, Code.ACCOUNT_BLOCKED),
        (368, Code.ACCOUNT_BLOCKED),
        (100, Code.INVALID_MESSAGE),
        (131051, Code.UNSUPPORTED),
        (131045, Code.NOT_CONFIGURED),
    ],
)
def test_a_code_has_our_word(code: int, ours: Code) -> None:
    assert cloud_errors.from_status_error(code).code is ours


@pytest.mark.parametrize(
    ("code", "slow"),
    [
        (4, Slow.ACCOUNT),
        (80007, Slow.ACCOUNT),
        (130429, Slow.CONNECTION),
        (131057, Slow.CONNECTION),
        (131048, Slow.CONNECTION),
        (131056, Slow.CONTACT),
        (131000, Slow.NOBODY),
    ],
)
def test_a_limit_slows_down_what_it_belongs_to(code: int, slow: Slow) -> None:
    assert cloud_errors.from_status_error(code).slow is slow


@pytest.mark.parametrize(
    ("code", "waits"),
    [
        (131056, [4, 16, 64, 256, 1024, 3600]),
        (130429, [2, 4, 8, 16]),
        (80007, [300, 600, 1200]),
        (131048, [900, 900]),
    ],
)
def test_a_limit_has_its_own_waiting_time(code: int, waits: list[int]) -> None:
    error = cloud_errors.from_status_error(code)

    assert [error.wait_seconds(attempt) for attempt in range(1, len(waits) + 1)] == waits
    assert error.wait_seconds(10**9) == max(waits[-1], error.wait_seconds(50) or 0)


@pytest.mark.parametrize("code", ["131047", " 131047 ", 131047])
def test_a_code_may_be_written_as_text(code: object) -> None:
    error = cloud_errors.from_answer(_answer(400, {"code": code}))

    assert error.code is Code.WINDOW_CLOSED


@pytest.mark.parametrize("code", [None, "", "x", [], {}, True, 1.5, -1, "9" * 5_000])
def test_a_code_that_is_none_is_judged_by_the_status(code: object) -> None:
    error = cloud_errors.from_answer(_answer(503, {"code": code}))
    # Any number is Meta's own word that it was there and did not take it.
    assert error.code is (Code.UNREACHABLE if code == -1 else Code.UNKNOWN_OUTCOME)
    assert cloud_errors.from_answer(_answer(400, {"code": code})).code is Code.REJECTED


def test_details_are_kept_for_support_without_numbers_and_tokens() -> None:
    told = "Not +234 803 123 4567, not EAAsecretsecretsecretsecret"
    body = {"code": 100, "error_data": {"details": told}, "fbtrace_id": "Ab\u0000C"}

    error = cloud_errors.from_answer(_answer(400, body))

    assert error.detail == "Not [phone], not [token]"
    assert error.reference == "AbC"
    assert told not in repr(error)


@pytest.mark.parametrize("code", ["131047", "", "None", "unheard of"])
def test_every_provider_explains_a_failed_status(code: str) -> None:
    for name in providers.all_names():
        error = providers.get(name).explain(code=code, details="They left")

        assert error.sentence
        assert (error.code is Code.WINDOW_CLOSED) == (code == "131047")
