"""Uploaded and sample files, in memory and bounded, with links that end after five minutes."""

import base64
import hashlib
import hmac
import secrets
import threading
import time
from dataclasses import dataclass

from connections.simulator.errors import GraphError
from connections.simulator.records import Json

KEEP_BYTES = 24 * 1024 * 1024
LINK_SECONDS = 300
_MB = 1024 * 1024
_OFFICE = "application/vnd.openxmlformats-officedocument"
# Largest size by the kind of file; what is not here is refused.
LIMITS: dict[str, int] = {
    **dict.fromkeys(("image/jpeg", "image/png"), 5 * _MB),
    "image/webp": 500 * 1024,
    **dict.fromkeys(
        ("audio/aac", "audio/mp4", "audio/mpeg", "audio/amr", "audio/ogg", "audio/opus",
         "video/mp4", "video/3gpp", "video/3gp"), 16 * _MB
    ),
    **dict.fromkeys(
        ("text/plain", "application/pdf", "application/msword", "application/vnd.ms-excel",
         "application/vnd.ms-powerpoint", f"{_OFFICE}.wordprocessingml.document",
         f"{_OFFICE}.spreadsheetml.sheet", f"{_OFFICE}.presentationml.presentation"), KEEP_BYTES
    ),
}  # fmt: skip


@dataclass(frozen=True)
class File:
    """One stored file."""

    id: str
    phone_number_id: str
    mime_type: str
    data: bytes
    filename: str
    expires_at: float

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.data).digest()

    def in_webhook(self) -> Json:
        """Return how a message webhook names the file (digest in base64)."""
        digest = base64.b64encode(self.sha256).decode()
        return {"mime_type": self.mime_type, "sha256": digest, "id": self.id}


class MediaStore:
    """Files by id; the oldest go when there is no more room."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: dict[str, File] = {}
        self._size = 0
        self._secret = secrets.token_bytes(16)

    def put(
        self,
        data: bytes,
        *,
        mime_type: str,
        phone_number_id: str,
        filename: str = "",
        days: int = 30,
    ) -> File:
        """Store a file. Raises GraphError for a kind or size that is not allowed."""
        kind = mime_type.partition(";")[0].strip().lower()
        if kind not in LIMITS:
            allowed = ", ".join(sorted(LIMITS))
            raise GraphError(
                100,
                message=(
                    "(#100) Param file must be a file with one of the following types: "
                    f"{allowed}. Received file of type '{kind}'."
                ),
            )
        if not data or len(data) > LIMITS[kind]:
            raise GraphError(
                131053, f"The file has {len(data)} bytes; at most {LIMITS[kind]} are allowed."
            )
        file = File(
            id=str(10**15 + secrets.randbelow(9 * 10**15)),
            phone_number_id=phone_number_id,
            mime_type=mime_type,
            data=data,
            filename=filename,
            expires_at=time.time() + days * 86_400,
        )
        with self._lock:
            self._files[file.id] = file
            self._size += len(data)
            while self._size > KEEP_BYTES:
                oldest = next(iter(self._files))
                self._size -= len(self._files.pop(oldest).data)
        return file

    def get(self, media_id: str) -> File | None:
        """Return a file that is still kept."""
        file = self._files.get(media_id)
        return file if file and file.expires_at > time.time() else None

    def has(self, media_id: str) -> bool:
        """Say whether the id is known."""
        return self.get(media_id) is not None

    def delete(self, media_id: str) -> bool:
        """Forget a file; say whether it was there."""
        with self._lock:
            file = self._files.pop(media_id, None)
            self._size -= len(file.data) if file else 0
            return file is not None

    def link(self, file: File) -> dict[str, str]:
        """Return the query of a download link that ends in five minutes."""
        until = str(int(time.time()) + LINK_SECONDS)
        return {"mid": file.id, "ext": until, "hash": self._seal(file.id, until)}

    def by_link(self, query: dict[str, str]) -> File | None:
        """Return the file of a link, None when the link is wrong or over."""
        media_id, until = query.get("mid", ""), query.get("ext", "")
        if not hmac.compare_digest(query.get("hash", ""), self._seal(media_id, until)):
            return None
        return self.get(media_id) if int(until) > time.time() else None

    def _seal(self, media_id: str, until: str) -> str:
        return hmac.new(self._secret, f"{media_id}|{until}".encode(), hashlib.sha256).hexdigest()[
            :24
        ]
