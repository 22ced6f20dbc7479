"""How long the rows of this room are kept."""

from django.conf import settings

from workspaces.retention import Rule


def rules() -> list[Rule]:
    """Return what may go from the mailboxes, the numbers' logs and the directory.

    The key of an update is what makes a repeated delivery known: providers repeat for up to
    seven days. Our own receipts and read marks are never repeated.
    """
    days = settings.RETENTION_DAYS
    keys, early = days["mailbox_keys"], days["mailbox_receipts"]
    return [
        Rule(
            "connections_inboundevent", "receipts of our own sends, done", early, "received_at",
            "kind = 'receipt' AND state = 'done'", looks_back_days=7,
        ),
        Rule(
            "connections_inboundevent", "updates that are done, unrouted or dead", keys, "received_at",
            "state IN ('done', 'unrouted', 'dead')",
        ),
        Rule(
            "connections_outboundjob", "read marks and typing signs, settled", early, "created_at",
            "kind IN ('read', 'typing') AND state IN ('accepted', 'failed', 'dead')", looks_back_days=7,
        ),
        Rule(
            "connections_outboundjob", "sends that are accepted, failed or dead", keys, "created_at",
            "state IN ('accepted', 'failed', 'dead')",
        ),
        Rule(
            "connections_connectionevent", "the numbers' logs", days["connection_events"], "at",
            # Whether a number is paused by a person is asked for as long as it is (manager.resume).
            "kind NOT IN ('paused', 'resumed', 'linking')",
        ),
        Rule(
            "connections_incident", "incidents that are over", days["connection_events"], "opened_at",
            "closed_at IS NOT NULL",
        ),
        Rule(
            "connections_firstcontact", "whom linked phones wrote to first", days["directory"], "at"
        ),
        Rule(
            "connections_directoryentry", "where support finds a phone number", days["directory"],
            "last_at", is_touched=True,
        ),
    ]  # fmt: skip
