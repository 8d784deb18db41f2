"""Keyed digests that stand for customers where nobody needs to know who they are."""

import hmac
import unicodedata
from typing import Final

from storefront_mcp.commerce.ids import StoreId

SECRET_NAME: Final = "customers"  # noqa: S105 -- a name
"""Of the secret that all workers share, in the database."""
DIGEST_CHARS: Final = 32
"""Hexadecimal digits: 128 bits."""


class CustomerDigests:
    """Digests of one store's customers: the same at every worker and the command line, and of no use elsewhere."""

    def __init__(self, store: StoreId, key: bytes) -> None:
        self._store = store
        self._key = key

    def subject(self, customer: str) -> str:
        """What stands for a customer, by the shop's id, in audit, limits and logs."""
        return self._digest("customer", customer)

    def mailbox(self, email: str) -> str:
        """What stands for an e-mail address, in capitals or not."""
        return self._digest("mailbox", unicodedata.normalize("NFC", email.strip()).lower())

    def guessed_mailbox(self, email: str) -> str:
        """What stands for an e-mail address and for all that a shop's database may take for the same.

        Databases that compare without accents and widths would let a guesser try one customer under many addresses.
        """
        parts = unicodedata.normalize("NFKD", email.strip().casefold())
        return self._digest("guessed", "".join(char for char in parts if not unicodedata.combining(char)).casefold())

    def _digest(self, what: str, text: str) -> str:
        return hmac.new(self._key, f"{self._store}\0{what}\0{text}".encode(), "sha256").hexdigest()[:DIGEST_CHARS]
