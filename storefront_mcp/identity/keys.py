"""What an API key looks like: `sfm_`, a public id, 256 random bits, and a checksum."""

import datetime as dt
import hashlib
import re
import secrets
import string
import zlib
from collections.abc import Callable
from typing import Final

from storefront_mcp.calls.credentials import LIFETIME, ApiKey, Minted, Secret
from storefront_mcp.commerce.names import StoreId

PREFIX: Final = "sfm_"
"""Scanners of leaked secrets find keys by it."""
ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
"""Letters and digits only: a double click selects a whole key."""
ID_BYTES: Final = 8
ID_LENGTH: Final = 11
SECRET_BYTES: Final = 32
SECRET_LENGTH: Final = 43
CHECKSUM_LENGTH: Final = 6
FORM: Final = re.compile(rf"{PREFIX}([0-9A-Za-z]{{{ID_LENGTH}}})_[0-9A-Za-z]{{{SECRET_LENGTH + CHECKSUM_LENGTH}}}")

Random = Callable[[int], bytes]


class KeyMisspelt(Exception):
    """A text that starts like a key and is none: cut off, mistyped or made up; no database need be asked."""


def mint(
    *,
    store: StoreId,
    label: str,
    scopes: frozenset[str],
    by: str,
    now: dt.datetime,
    lifetime: dt.timedelta = LIFETIME,
    random: Random = secrets.token_bytes,
) -> Minted:
    """A new key. It counts once it is on record."""
    id_ = _sixty_two(random(ID_BYTES), ID_LENGTH)
    body = f"{PREFIX}{id_}_{_sixty_two(random(SECRET_BYTES), SECRET_LENGTH)}"
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
    return Minted(key=key, secret=Secret(text), digest=digest(text))


def digest(text: str) -> bytes:
    """What is kept of a key: its plain SHA-256.

    Slow, salted hashes make guessing of passwords dear. 256 random bits cannot be guessed at any speed, so slowness
    would only let strangers burn our time with wrong keys.
    """
    return hashlib.sha256(text.encode()).digest()


def public_id(text: str) -> str:
    """The id of a key. Raises KeyMisspelt."""
    form = FORM.fullmatch(text)
    body, checksum = text[:-CHECKSUM_LENGTH], text[-CHECKSUM_LENGTH:]
    if form is None or not secrets.compare_digest(_checksum(body), checksum):
        raise KeyMisspelt("This is not a whole API key: it was cut off or mistyped.")
    return form[1]


def _checksum(body: str) -> str:
    return _sixty_two(zlib.crc32(body.encode()).to_bytes(4, "big"), CHECKSUM_LENGTH)


def _sixty_two(raw: bytes, length: int) -> str:
    number = int.from_bytes(raw, "big")
    letters = []
    for _ in range(length):
        number, letter = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[letter])
    return "".join(reversed(letters))
