"""Encryption at rest of personal data, with the operator's keys."""

from collections.abc import Sequence


class DecryptionFailed(Exception):
    """No key decrypts it: the key is lost, or the bytes were changed."""


class FieldEncryption:
    """Fernet (AES-128-CBC, HMAC-SHA256): encrypts with the first key, decrypts with any, so that keys can be rotated.

    A key is 32 bytes in URL-safe base64. Raises ValueError for anything else.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        from cryptography.fernet import Fernet, InvalidToken, MultiFernet  # noqa: PLC0415 -- a start without keys is quicker

        self._keys = MultiFernet([Fernet(key) for key in keys])
        self._invalid_token = InvalidToken

    def encrypt(self, plain: bytes) -> bytes:
        """Encrypt with the first key."""
        return self._keys.encrypt(plain)

    def decrypt(self, encrypted: bytes) -> bytes:
        """Decrypt with any key. Raises DecryptionFailed."""
        try:
            return self._keys.decrypt(encrypted)
        except self._invalid_token:
            raise DecryptionFailed from None
