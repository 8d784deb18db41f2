"""Format of API keys: `sfm_`, a public id, 256 random bits, and a checksum."""

import datetime as dt
import hashlib
import re
import secrets
import string
import zlib
from collections.abc import Callable
from typing import Final

from storefront_mcp.access.credentials import DEFAULT_KEY_LIFETIME, ApiKey, IssuedKey, Secret
from storefront_mcp.commerce.ids import StoreId

KEY_PREFIX: Final = "sfm_"
"""Secret scanners find leaked keys by it."""
BASE62_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
"""Letters and digits only: a double click selects a whole key."""
ID_BYTES: Final = 8
ID_LENGTH: Final = 11
SECRET_BYTES: Final = 32
SECRET_LENGTH: Final = 43
CHECKSUM_LENGTH: Final = 6
KEY_PATTERN: Final = re.compile(
    rf"{KEY_PREFIX}([0-9A-Za-z]{{{ID_LENGTH}}})_[0-9A-Za-z]{{{SECRET_LENGTH + CHECKSUM_LENGTH}}}"
)

Random = Callable[[int], bytes]


class MalformedApiKey(Exception):
    """A text with the prefix of a key but a wrong format or checksum; found without the database."""


def mint_key(
    *,
    store: StoreId,
    label: str,
    scopes: frozenset[str],
    by: str,
    now: dt.datetime,
    lifetime: dt.timedelta = DEFAULT_KEY_LIFETIME,
    random: Random = secrets.token_bytes,
) -> IssuedKey:
    """Generate a key. It is valid once its record and digest are stored."""
    id_ = _base62(random(ID_BYTES), ID_LENGTH)
    body = f"{KEY_PREFIX}{id_}_{_base62(random(SECRET_BYTES), SECRET_LENGTH)}"
    text = body + _checksum(body)
    now = now.astimezone(dt.UTC).replace(microsecond=0)
    key = ApiKey(
        id=id_,
        store=store,
        label=label,
        scopes=scopes,
        epoch=0,
        created_at=now,
        created_by=by,
        expires_at=now + lifetime,
    )
    return IssuedKey(key=key, secret=Secret(text), digest=secret_digest(text))


def secret_digest(text: str) -> bytes:
    """SHA-256 of a key, which is stored instead of it.

    No slow, salted hash: 256 random bits cannot be guessed at any speed, and wrong keys should cost little time.
    """
    return hashlib.sha256(text.encode()).digest()


def public_id(text: str) -> str:
    """The public id in a key. Raises MalformedApiKey."""
    form = KEY_PATTERN.fullmatch(text)
    body, checksum = text[:-CHECKSUM_LENGTH], text[-CHECKSUM_LENGTH:]
    if form is None or not secrets.compare_digest(_checksum(body), checksum):
        raise MalformedApiKey("This is not a whole API key: it was cut off or mistyped.")
    return form[1]


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()).to_bytes(4, "big"), CHECKSUM_LENGTH)


def _base62(raw: bytes, length: int) -> str:
    number = int.from_bytes(raw, "big")
    letters = []
    for _ in range(length):
        number, letter = divmod(number, len(BASE62_ALPHABET))
        letters.append(BASE62_ALPHABET[letter])
    return "".join(reversed(letters))
