"""What news about an account does to its sending, in our words.

`blocked`: nothing goes out. `limited`: something does not. `warned`: nothing yet.
`restored`: all is well again. An empty text: no effect on sending.
"""

from collections.abc import Mapping
from typing import Any

from connections.providers import untrusted

_BY_EVENT: Mapping[str, str] = {
    "ACCOUNT_DELETED": "blocked",
    "ACCOUNT_OFFBOARDED": "blocked",
    "PARTNER_REMOVED": "blocked",
    "PARTNER_APP_UNINSTALLED": "blocked",
    "ACCOUNT_RECONNECTED": "restored",
    "ACCOUNT_VIOLATION": "warned",
}
# The same event tells that a ban is coming, is there, or is over.
_BY_BAN_STATE: Mapping[str, str] = {
    "SCHEDULE_FOR_DISABLE": "warned",
    "DISABLE": "blocked",
    "REINSTATE": "restored",
}
# Most restrictions stop us from writing first; only this one stops us from answering.
_BLOCKING_RESTRICTION = "RESTRICTED_CUSTOMER_INITIATED_MESSAGING"


def of(value: dict[str, Any]) -> str:
    """Return the effect of an `account_update`."""
    event = untrusted.text_of(value, "event").upper()
    if event == "DISABLED_UPDATE":
        state = untrusted.text_of(untrusted.dict_of(value, "ban_info"), "waba_ban_state")
        return _BY_BAN_STATE.get(state.upper(), "blocked")
    if event == "ACCOUNT_RESTRICTION":
        kinds = {
            untrusted.text_of(restriction, "restriction_type").upper()
            for restriction in untrusted.dicts_of(value, "restriction_info")
        }
        return "blocked" if _BLOCKING_RESTRICTION in kinds else "limited"
    return _BY_EVENT.get(event, "")
