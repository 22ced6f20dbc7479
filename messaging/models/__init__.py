"""Conversations with customers, and the account of every decision. Tables of one workspace."""

from messaging.models.bot import BotDraft, BotSettings, BotVersion, TestPhone
from messaging.models.contacts import Contact, ContactIdentity, OwnerNumber, Tag
from messaging.models.conversations import (
    Conversation,
    DismissedQuestion,
    Message,
    Note,
    QuickAnswer,
    TraceStep,
)
from messaging.models.files import ConversationExport, DaySummary, ExportPiece

__all__ = [
    "BotDraft",
    "BotSettings",
    "BotVersion",
    "Contact",
    "ContactIdentity",
    "Conversation",
    "ConversationExport",
    "DaySummary",
    "DismissedQuestion",
    "ExportPiece",
    "Message",
    "Note",
    "OwnerNumber",
    "QuickAnswer",
    "Tag",
    "TestPhone",
    "TraceStep",
]
