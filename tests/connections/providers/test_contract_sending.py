"""What every registered provider must do when it sends and checks."""

import json
import traceback

import pytest
from pytest_django.fixtures import Settings

from connections.events import Button, Outbound, OutboundKind
from connections.providers import base
from connections.providers.base import Code, Provider, ProviderError
from tests.connections.providers import vendor
from tests.connections.providers.contracts import Contract
from tests.connections.providers.vendor import Reply, Vendor

HELLO = Outbound(kind=OutboundKind.TEXT, to_phone="+2348031234567", text="Hello")


def _send(
    provider: Provider, contract: Contract, message: Outbound = HELLO
) -> tuple[base.SendReceipt | None, ProviderError | None]:
    try:
        return provider.send(contract.account, message, opaque="outbound:7"), None
    except ProviderError as error:
        return None, error


def _refused(provider: Provider, contract: Contract, message: Outbound = HELLO) -> ProviderError:
    _, error = _send(provider, contract, message)
    assert error is not None, "The send was expected to be refused."
    _assert_keeps_secrets(error, contract)
    return error


def _assert_keeps_secrets(error: ProviderError, contract: Contract) -> None:
    shown = [str(error), repr(error), error.sentence, error.detail, error.reference]
    shown.append("".join(traceback.format_exception(error)))
    shown.append(repr(contract.account))
    for secret in contract.account.credentials.values():
        assert not any(secret in text for text in shown)


def test_a_text_is_sent(provider: Provider, contract: Contract, at_vendor: Vendor) -> None:
    sent = contract.told["sent"]
    at_vendor.reply = Reply(sent["status"], sent["body"])

    receipt, _ = _send(provider, contract)

    assert receipt and receipt.message_id == sent["message_id"]
    (asked,) = at_vendor.asked
    assert asked.path == sent["path"]
    assert "outbound:7" in json.dumps(asked.body)


def test_a_success_without_a_message_id_is_not_a_success(
    provider: Provider, contract: Contract, at_vendor: Vendor
) -> None:
    at_vendor.reply = Reply(200, {})

    error = _refused(provider, contract)

    assert (error.code, error.retryable) == (Code.UNKNOWN_OUTCOME, False)


def test_a_success_that_is_not_json_is_not_a_success(
    provider: Provider, contract: Contract, at_vendor: Vendor
) -> None:
    at_vendor.reply = Reply(200, b"<html>OK</html>")

    assert _refused(provider, contract).code is Code.UNKNOWN_OUTCOME


@pytest.mark.parametrize("behaviour", ["hang", "drop"])
def test_a_missing_answer_is_an_unknown_outcome(
    provider: Provider, contract: Contract, at_vendor: Vendor, behaviour: str
) -> None:
    at_vendor.reply = Reply(behaviour=behaviour)

    error = _refused(provider, contract)

    assert (error.code, error.retryable) == (Code.UNKNOWN_OUTCOME, False)
    assert len(at_vendor.asked) == 1


def test_a_vendor_that_is_not_there_is_asked_again(
    provider: Provider, contract: Contract, settings: Settings
) -> None:
    for name, value in contract.settings(f"http://127.0.0.1:{vendor.closed_port()}").items():
        setattr(settings, name, value)

    error = _refused(provider, contract)

    assert (error.code, error.retryable) == (Code.UNREACHABLE, True)
    assert error.wait_seconds(1)


def test_a_fault_that_the_vendor_names_was_no_send_and_a_gateways_may_have_been_one(
    provider: Provider, contract: Contract, at_vendor: Vendor
) -> None:
    found = {}
    for status in (500, 503, 504):
        at_vendor.reply = Reply(status, b'{"error": {"code": 99}}')
        found[status] = _refused(provider, contract).code

    assert found == {
        500: Code.UNREACHABLE,
        503: Code.UNREACHABLE,
        504: Code.UNKNOWN_OUTCOME,
    }


@pytest.mark.parametrize(
    ("status", "code", "retryable", "switch_off"),
    [
        (429, Code.THROTTLED, True, False),
        (500, Code.UNKNOWN_OUTCOME, False, False),
        (503, Code.UNKNOWN_OUTCOME, False, False),
        (504, Code.UNKNOWN_OUTCOME, False, False),
        (401, Code.LOGGED_OUT, False, True),
        (400, Code.REJECTED, False, False),
        (404, Code.REJECTED, False, False),
        (302, Code.REJECTED, False, False),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"error": "no"}', b'{"error": {"code": ""}}'])
def test_an_unknown_error_is_judged_by_its_status(
    provider: Provider,
    contract: Contract,
    at_vendor: Vendor,
    status: int,
    code: Code,
    retryable: bool,
    switch_off: bool,
    body: bytes,
) -> None:
    at_vendor.reply = Reply(status, body)

    error = _refused(provider, contract)

    assert (error.code, error.retryable, error.switch_off) == (code, retryable, switch_off)
    assert error.sentence.endswith(".")


def test_the_vendor_says_how_long_to_wait(
    provider: Provider, contract: Contract, at_vendor: Vendor
) -> None:
    at_vendor.reply = Reply(429, b"", headers={"Retry-After": "120"})

    assert _refused(provider, contract).wait_seconds(1) == 120


def test_the_vendors_errors_are_translated(
    provider: Provider, contract: Contract, at_vendor: Vendor
) -> None:
    for name, refusal in contract.told["refusals"].items():
        at_vendor.reply = Reply(refusal["status"], refusal["body"])

        error = _refused(provider, contract)

        told = {field: getattr(error, field) for field in refusal["error"]}
        assert told == refusal["error"], name
        for attempt, seconds in enumerate(refusal.get("waits", ()), start=1):
            assert error.wait_seconds(attempt) == seconds, name


@pytest.mark.parametrize(
    "message",
    [
        Outbound(kind=OutboundKind.TEXT, to_phone="+2348031234567", text=""),
        Outbound(kind=OutboundKind.TEXT, to_phone="+2348031234567", text=" \n"),
        Outbound(kind=OutboundKind.TEXT, to_phone="+2348031234567", text="a" * 4_097),
        Outbound(kind=OutboundKind.TEXT, text="To nobody"),
        Outbound(kind=OutboundKind.TEXT, to_phone="+1", text="Too short"),
        Outbound(kind=OutboundKind.BUTTONS, to_phone="+2348031234567", text="No buttons"),
        Outbound(
            kind=OutboundKind.BUTTONS,
            to_phone="+2348031234567",
            text="Four",
            buttons=tuple(Button(str(number), f"Button {number}") for number in range(4)),
        ),
        Outbound(
            kind=OutboundKind.BUTTONS,
            to_phone="+2348031234567",
            text="Title",
            buttons=(Button("1", "a" * 21),),
        ),
        Outbound(
            kind=OutboundKind.BUTTONS,
            to_phone="+2348031234567",
            text="a" * 1_025,
            buttons=(Button("1", "Yes"),),
        ),
        Outbound(
            kind=OutboundKind.BUTTONS,
            to_phone="+2348031234567",
            text="Twice",
            buttons=(Button("1", "Yes"), Button("2", "Yes")),
        ),
        Outbound(kind=OutboundKind.READ),
        Outbound(kind=OutboundKind.TYPING),
    ],
)
def test_a_message_that_cannot_be_said_is_refused_before_the_call(
    provider: Provider, contract: Contract, at_vendor: Vendor, message: Outbound
) -> None:
    error = _refused(provider, contract, message)

    assert (error.code, error.retryable) == (Code.INVALID_MESSAGE, False)
    assert at_vendor.asked == []


@pytest.mark.parametrize("token", ["", "with\nline break", "caf\u00e9"])
def test_damaged_credentials_are_noticed_before_the_call(
    provider: Provider, contract: Contract, at_vendor: Vendor, token: str
) -> None:
    credentials = dict.fromkeys(contract.account.credentials, token)
    account = base.Account(contract.account.external_id, "", credentials)

    with pytest.raises(ProviderError) as caught:
        provider.send(account, HELLO, opaque="1")

    assert (caught.value.code, caught.value.switch_off) == (Code.NOT_CONFIGURED, True)
    assert at_vendor.asked == []


# --- The live check ------------------------------------------------------------------------


def test_a_number_is_checked(provider: Provider, contract: Contract, at_vendor: Vendor) -> None:
    checked = contract.told["checked"]
    at_vendor.reply = Reply(checked["status"], checked["body"])

    result = provider.check(contract.account)

    assert result.display_phone == checked["display_phone"]
    assert result.verified_name == checked["verified_name"]
    assert result.problems == ()


def test_a_check_that_cannot_be_made_says_so(
    provider: Provider, contract: Contract, at_vendor: Vendor
) -> None:
    at_vendor.reply = Reply(behaviour="hang")

    with pytest.raises(ProviderError) as caught:
        provider.check(contract.account)

    assert (caught.value.code, caught.value.retryable) == (Code.UNREACHABLE, True)
    _assert_keeps_secrets(caught.value, contract)


def test_a_check_that_answers_nonsense_is_unreadable(
    provider: Provider, contract: Contract, at_vendor: Vendor
) -> None:
    at_vendor.reply = Reply(200, [1, 2])

    with pytest.raises(ProviderError) as caught:
        provider.check(contract.account)

    assert caught.value.code is Code.UNREADABLE
