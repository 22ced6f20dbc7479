"""The Graph API's error bodies: one table, one exception, two forms (answer and webhook)."""

import secrets
from dataclasses import dataclass

_HREF = "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"


@dataclass(frozen=True)
class Kind:
    """What stands in the vendor's table for one code."""

    title: str
    details: str
    status: int = 400


# The codes that a sender meets; the titles and HTTP statuses are the vendor's.
KINDS: dict[int, Kind] = {
    0: Kind("AuthException", "We were unable to authenticate the app user.", 401),
    1: Kind("API Unknown", "Invalid request or possible server error."),
    2: Kind("API Service", "Temporary due to downtime or due to being overloaded.", 503),
    3: Kind("API Method", "Capability or permissions issue.", 500),
    4: Kind("API Too Many Calls", "The app has reached its API call rate limit."),
    10: Kind("Permission Denied", "Permission is either not granted or has been removed.", 403),
    33: Kind("Parameter value is not valid", "The business phone number has been deleted."),
    100: Kind("Invalid parameter", "The request included an unsupported or misspelled parameter."),
    190: Kind("Access token has expired", "Your access token has expired.", 401),
    200: Kind("API Permission", "Permission is either not granted or has been removed.", 403),
    368: Kind(
        "Temporarily blocked for policies violations",
        "The account has been restricted or disabled for violating a platform policy.",
        403,
    ),
    80007: Kind("Rate limit issues", "The WhatsApp Business Account has reached its rate limit."),
    130429: Kind(
        "Rate limit hit",
        "Message failed to send because there were too many messages sent from this phone "
        "number in a short period of time",
    ),
    130472: Kind(
        "User's number is part of an experiment",
        "Failed to send message because this user's phone number is part of an experiment",
    ),
    130497: Kind(
        "Business account is restricted from messaging users in this country.",
        "The account is restricted from messaging users in certain countries.",
        403,
    ),
    131000: Kind("Something went wrong", "Message failed to send due to an unknown error.", 500),
    131005: Kind("Access denied", "Permission is either not granted or has been removed.", 403),
    131008: Kind("Required parameter is missing", "The request is missing a required parameter."),
    131009: Kind("Parameter value is not valid", "One or more parameter values are invalid."),
    131016: Kind("Service unavailable", "A service is temporarily unavailable.", 503),
    131021: Kind("Recipient cannot be sender", "Sender and recipient phone number is the same."),
    131026: Kind("Message undeliverable", "Message Undeliverable."),
    131030: Kind(
        "Recipient phone number not in allowed list",
        "Recipient phone number not in allowed list: Add recipient phone number to recipient "
        "list and try again.",
    ),
    131031: Kind("Business account has been locked", "The account has been locked.", 403),
    131037: Kind(
        "WhatsApp provided number needs display name approval before message can be sent.",
        "The display name of this number has not been approved.",
    ),
    131042: Kind(
        "Business eligibility payment issue",
        "Message failed to send because there were one or more errors related to your payment "
        "method.",
    ),
    131045: Kind(
        "Incorrect certificate",
        "Message failed to send due to a phone number registration error.",
        500,
    ),
    131047: Kind(
        "Re-engagement message",
        "Message failed to send because more than 24 hours have passed since the customer last "
        "replied to this number.",
    ),
    131048: Kind(
        "Spam rate limit hit",
        "Message failed to send because there are restrictions on how many messages can be sent "
        "from this phone number.",
    ),
    131049: Kind(
        "This message was not delivered to maintain healthy ecosystem engagement.",
        "In order to maintain a healthy ecosystem engagement, the message failed to be delivered.",
    ),
    131050: Kind(
        "Unable to deliver the message.",
        "This recipient has chosen to stop receiving marketing messages from your business.",
    ),
    131051: Kind("Unsupported message type", "Message type is currently not supported."),
    131052: Kind("Media download error", "Unable to download the media sent by the user."),
    131053: Kind("Media upload error", "Unable to upload the media used in the message."),
    131056: Kind(
        "(Business Account, Consumer Account) pair rate limit hit",
        "Message failed to send because there were too many messages sent from this phone "
        "number to the same phone number in a short period of time.",
    ),
    131057: Kind("Account in maintenance mode", "Business Account is in maintenance mode.", 500),
    131062: Kind(
        "Business-scoped User ID (BSUID) recipients are not supported for this message.",
        "This message needs the recipient's phone number.",
    ),
    132000: Kind(
        "Number of parameters does not match the expected number of params",
        "The number of variable parameter values does not match the template.",
    ),
    132001: Kind(
        "Template name does not exist in the translation",
        "The template does not exist in the specified language or has not been approved.",
        404,
    ),
    132005: Kind("Translated text too long", "Translated text is too long."),
    132007: Kind(
        "Template format character policy violated", "Template content violates a policy."
    ),
    132012: Kind(
        "Parameter format does not match format in the created template",
        "Variable parameter values formatted incorrectly.",
    ),
    132015: Kind("Template is paused", "Template is paused due to low quality."),
    132016: Kind("Template is disabled", "Template has been permanently disabled."),
    133004: Kind("Server Temporarily Unavailable", "Server is temporarily unavailable.", 503),
    133010: Kind("Phone number Not Registered", "The phone number is not registered."),
    133016: Kind(
        "Account register deregister rate limit exceeded",
        "Too many registration attempts for this phone number in a short period of time.",
    ),
    135000: Kind("Generic user error", "Message failed to send because of an unknown error."),
    139100: Kind("Failed to block/unblock users", "Some users could not be blocked or unblocked."),
}
_OTHER = Kind("Something went wrong", "Message failed to send due to an unknown error.")


def kind_of(code: int) -> Kind:
    """Return the table's row for `code` (a general one for a code that is not in it)."""
    return KINDS.get(code, _OTHER)


class GraphError(Exception):
    """An error the Graph API answers with. `message` replaces the text made from the table."""

    def __init__(
        self,
        code: int,
        details: str = "",
        *,
        message: str = "",
        status: int = 0,
        subcode: int = 0,
        type_: str = "OAuthException",
    ) -> None:
        kind = kind_of(code)
        self.code = code
        self.message = message or f"(#{code}) {kind.title}"
        self.details = details or ("" if message else kind.details)
        self.status = status or kind.status
        self.subcode = subcode
        self.type = type_
        super().__init__(self.message)

    def body(self) -> dict[str, object]:
        """Return the JSON answer, exactly as the Graph API forms it."""
        error: dict[str, object] = {
            "message": self.message,
            "type": self.type,
            "code": self.code,
        }
        if self.subcode:
            error["error_subcode"] = self.subcode
        if self.details:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        error["fbtrace_id"] = "A" + secrets.token_urlsafe(16)
        return {"error": error}


def in_webhook(code: int, details: str = "") -> dict[str, object]:
    """Return an `errors[]` item of a status or a message."""
    kind = kind_of(code)
    return {
        "code": code,
        "title": kind.title,
        "message": kind.title,
        "error_data": {"details": details or kind.details},
        "href": _HREF,
    }


def no_such_node(node: str, method: str) -> GraphError:
    """Return the answer for an id that nobody registered."""
    verb = "get" if method == "GET" else "delete" if method == "DELETE" else "post"
    return GraphError(
        100,
        message=(
            f"Unsupported {verb} request. Object with ID '{node}' does not exist, cannot be "
            "loaded due to missing permissions, or does not support this operation. Please read "
            "the Graph API documentation at https://developers.facebook.com/docs/graph-api"
        ),
        subcode=33,
        type_="GraphMethodException",
    )


def token_missing() -> GraphError:
    """Return the answer for a request without a usable bearer token."""
    return GraphError(190, message="Invalid OAuth access token - Cannot parse access token")


def token_expired() -> GraphError:
    """Return the answer for a token whose session is over."""
    return GraphError(
        190,
        message="Error validating access token: Session has expired. The session is not valid any "
        "more.",
        subcode=463,
    )
