"""Whom a business talks with: customers, their addresses, and the phones that command the bot."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models.functions import Collate, Lower, Reverse


class Tag(models.Model):
    """A word by which the team sorts its contacts."""

    name = models.CharField(max_length=30)

    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), name="tag_once")]

    def __str__(self) -> str:
        return f"tag {self.pk}"


class Contact(models.Model):
    """A customer. Known by identities; the phone number is only one of them."""

    name = models.CharField(max_length=200, blank=True)  # as WhatsApp tells it, time and again
    known_as = models.CharField(max_length=200, blank=True, default="", db_default="")  # the team's
    username = models.CharField(max_length=120, blank=True)  # shared by many, never a key
    phone = models.CharField(max_length=16, null=True, blank=True)  # noqa: DJ001 - unknown is not ""
    is_opted_out = models.BooleanField(default=False)
    is_marketing_opted_out = models.BooleanField(default=False)
    consent_at = models.DateTimeField(null=True)  # when `is_opted_out` was last said
    consent_by_id = models.BigIntegerField(null=True)  # a User; null: the customer's own word
    blocked_at = models.DateTimeField(null=True)
    blocked_by_id = models.BigIntegerField(null=True)  # a User
    tags = models.ManyToManyField(Tag, related_name="contacts")
    # Two identities of one message led to two contacts: shown to people, never merged alone.
    conflict_with = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["phone"], name="contact_by_phone"),
            # What people remember of a number are its last digits.
            models.Index(Collate(Reverse("phone"), "C"), name="contact_by_last_digits"),
            GinIndex(
                SearchVector("known_as", "name", "username", config="simple"), name="contact_names"
            ),
        ]

    def __str__(self) -> str:
        return f"contact {self.pk}"


class ContactIdentity(models.Model):
    """One address under which a contact is known."""

    class Kind(models.TextChoices):
        PHONE = "phone"
        BSUID = "bsuid"
        PARENT_BSUID = "parent_bsuid"
        JID = "jid"
        LID = "lid"

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="identities")
    scope = models.CharField(
        max_length=40
    )  # within what the value is unique: whatsapp, or an account
    kind = models.CharField(max_length=12, choices=Kind)
    value = models.CharField(max_length=192)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    superseded_by = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "kind", "value"], name="identity_once")
        ]
        verbose_name_plural = "contact identities"

    def __str__(self) -> str:
        return f"identity {self.pk}"


class OwnerNumber(models.Model):
    """A member's own WhatsApp number that may command the bot, once confirmed.

    The member names the number in the dashboard and sends the shown code from that phone;
    the identity that sent it is what is trusted from then on, not the phone's digits.
    """

    user_id = models.BigIntegerField(unique=True)
    phone = models.CharField(max_length=16)
    code_digest = models.CharField(max_length=64, blank=True)
    code_expires_at = models.DateTimeField(null=True)
    code_attempts = models.SmallIntegerField(default=0)
    identity = models.OneToOneField(ContactIdentity, null=True, on_delete=models.SET_NULL)
    confirmed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"owner number {self.pk}"
