"""Ids of conversations: made here and recognised without a record, as most conversations only read."""

import hashlib
import hmac
import re
import secrets
from typing import Final

PREFIX: Final = "ctx_"
SECRET_BYTES: Final = 16
MAC_BYTES: Final = 8
UUID_PATTERN: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
MIN_SECRET_CHARS: Final = 32
MIN_DISTINCT_CHARS: Final = 10


class ContextIds:
    """Makes ids of conversations and knows its own."""

    def __init__(self, key: bytes) -> None:
        """`key` is shared by all workers."""
        self._key = key

    def new(self) -> str:
        """An id that nobody can guess."""
        secret = secrets.token_hex(SECRET_BYTES)
        return f"{PREFIX}{secret}{self._mac(secret)}"

    def is_ours(self, id_: str) -> bool:
        """Whether it was made here."""
        bare = id_.removeprefix(PREFIX)
        secret, mac = bare[: 2 * SECRET_BYTES], bare[2 * SECRET_BYTES :]
        return bare != id_ and hmac.compare_digest(mac.encode(), self._mac(secret).encode())

    def _mac(self, secret: str) -> str:
        return hmac.digest(self._key, secret.encode(), hashlib.sha256)[:MAC_BYTES].hex()


def is_unguessable(id_: str) -> bool:
    """Whether an id of a client's own looks random enough to be a secret: a UUID, or as long as one.

    Who opens a conversation under an id that others may use too, would share a cart with them.
    """
    varied = len(set(id_.lower())) >= MIN_DISTINCT_CHARS
    return varied and (UUID_PATTERN.fullmatch(id_) is not None or len(id_) >= MIN_SECRET_CHARS)
