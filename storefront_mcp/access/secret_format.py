"""Format of bearer secrets that this server issues: a prefix, a public id, 256 random bits, and a checksum."""

import hashlib
import re
import secrets
import string
import zlib
from collections.abc import Callable
from typing import Final

BASE62_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
"""Letters and digits only: a double click selects a whole secret."""
ID_BYTES: Final = 8
ID_LENGTH: Final = 11
SECRET_BYTES: Final = 32
SECRET_LENGTH: Final = 43
CHECKSUM_LENGTH: Final = 6

Random = Callable[[int], bytes]


class MalformedSecret(Exception):
    """A text with the prefix of a secret but a wrong format or checksum; found without the database."""


def new_public_id(random: Random = secrets.token_bytes) -> str:
    """A public id, which logs and lists may show."""
    return _base62(random(ID_BYTES), ID_LENGTH)


def secret_text(prefix: str, id_: str, random: Random = secrets.token_bytes) -> str:
    """A new secret; `prefix` is what secret scanners find leaked ones by, such as `sfm_`."""
    body = f"{prefix}{id_}_{_base62(random(SECRET_BYTES), SECRET_LENGTH)}"
    return body + _checksum(body)


def secret_pattern(prefix: str) -> re.Pattern[str]:
    """The pattern of secrets with a prefix; its group is the public id."""
    return re.compile(rf"{prefix}([0-9A-Za-z]{{{ID_LENGTH}}})_[0-9A-Za-z]{{{SECRET_LENGTH + CHECKSUM_LENGTH}}}")


def public_id(text: str, pattern: re.Pattern[str], noun: str) -> str:
    """The public id in a secret; `noun` names it in the error. Raises MalformedSecret."""
    form = pattern.fullmatch(text)
    body, checksum = text[:-CHECKSUM_LENGTH], text[-CHECKSUM_LENGTH:]
    if form is None or not secrets.compare_digest(_checksum(body), checksum):
        raise MalformedSecret(f"This is not a whole {noun}: it was cut off or mistyped.")
    return form[1]


def secret_digest(text: str) -> bytes:
    """SHA-256 of a secret, which is stored instead of it.

    No slow, salted hash: 256 random bits cannot be guessed at any speed, and wrong ones should cost little time.
    """
    return hashlib.sha256(text.encode()).digest()


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()).to_bytes(4, "big"), CHECKSUM_LENGTH)


def _base62(raw: bytes, length: int) -> str:
    number = int.from_bytes(raw, "big")
    letters = []
    for _ in range(length):
        number, letter = divmod(number, len(BASE62_ALPHABET))
        letters.append(BASE62_ALPHABET[letter])
    return "".join(reversed(letters))
