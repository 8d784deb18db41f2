"""Personal data at rest: sealed with the operator's keys."""

from collections.abc import Sequence


class SealBroken(Exception):
    """None of the keys opens it: the key that sealed it is lost, or the bytes are not what was written."""


class PersonalSeal:
    """Seals with the first key and opens with any: a new key goes in front of the old ones (Fernet, AES-128 and HMAC).

    A key is what `Fernet.generate_key` makes: 32 bytes, URL-safe base64. Raises ValueError when one is not.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        from cryptography.fernet import Fernet, InvalidToken, MultiFernet  # noqa: PLC0415 -- a start without keys is quicker

        self._keys = MultiFernet([Fernet(key) for key in keys])
        self._broken = InvalidToken

    def close(self, plain: bytes) -> bytes:
        """Seal."""
        return self._keys.encrypt(plain)

    def open(self, sealed: bytes) -> bytes:
        """Read what was sealed. Raises SealBroken."""
        try:
            return self._keys.decrypt(sealed)
        except self._broken:
            raise SealBroken from None
