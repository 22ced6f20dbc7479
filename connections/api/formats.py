"""What the API reads and writes: small bodies in, JSON out, and for a QR code SVG or plain text.

Forms are read too: it is what `curl -d` sends.
"""

from collections.abc import Iterable, Mapping
from typing import IO, Any

from django.http import Http404, UnreadablePostError
from rest_framework import parsers
from rest_framework.exceptions import NotAcceptable, ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer

from connections.api.errors import Problem

MOST_BYTES = 16_384


class _Small(parsers.BaseParser):
    """Reads no more than MOST_BYTES."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        length = str((parser_context or {})["request"].META.get("CONTENT_LENGTH") or "0")
        if (
            not (length.isascii() and length.isdigit())
            or len(length) > 9
            or int(length) > MOST_BYTES
        ):
            raise Problem(413, f"The body has more than {MOST_BYTES:,} bytes.")
        try:
            return super().parse(stream, media_type, parser_context)
        except UnreadablePostError as error:
            raise Problem(400, "The body broke off.", "unreadable") from error
        except (ParseError, ValueError, RecursionError) as error:
            raise Problem(
                400, "The body cannot be read. Send a JSON object, such as {}.", "unreadable"
            ) from error


class JSONParser(_Small, parsers.JSONParser):
    pass


class FormParser(_Small, parsers.FormParser):
    pass


class MultiPartParser(_Small, parsers.MultiPartParser):
    pass


class _Text(BaseRenderer):
    charset = "utf-8"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return str(data).encode()


class SvgRenderer(_Text):
    media_type = "image/svg+xml"
    format = "svg"


class TextRenderer(_Text):
    media_type = "text/plain"
    format = "text"


class Negotiation(DefaultContentNegotiation):
    """`?format=` before `Accept`; one that is not there is 406, not 404."""

    def filter_renderers(
        self, renderers: Iterable[BaseRenderer], format: str
    ) -> list[BaseRenderer]:
        try:
            return super().filter_renderers(renderers, format)
        except Http404 as error:
            raise NotAcceptable from error
