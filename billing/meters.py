"""The names of what is counted; rows of billing.Meter, made by a migration."""

from typing import Final

MESSAGES_SENT: Final = "messages_sent"  # accepted by the provider
MESSAGES_RECEIVED: Final = "messages_received"
AI_TOKENS: Final = "ai_tokens"
ACTIVE_NUMBERS: Final = "active_numbers"  # once per number and month
AUTOMATION_RUNS: Final = "automation_runs"  # the bot decided about a message

ALL: Final = (MESSAGES_SENT, MESSAGES_RECEIVED, AI_TOKENS, ACTIVE_NUMBERS, AUTOMATION_RUNS)
