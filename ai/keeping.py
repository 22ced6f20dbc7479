"""How long the rows of this room are kept."""

from django.conf import settings

from workspaces.retention import Rule


def rules() -> list[Rule]:
    """Return what may go of the questions to models; what they cost stands in the ledger."""
    days = settings.RETENTION_DAYS["ai_calls"]
    return [Rule("ai_call", "questions to models, used", days, "created_at", "used_at IS NOT NULL")]
