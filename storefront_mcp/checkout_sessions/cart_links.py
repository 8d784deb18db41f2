"""Addresses of pages with a cart: the cart's handle, sealed, so that a page's address is no key to the cart's tools."""

import base64
import binascii
from functools import cached_property
from typing import TYPE_CHECKING, Final

from storefront_mcp.calls.tool_runner import ToolRunner
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.commerce.store import Store

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

CART_PATH: Final = "/cart/"
MAX_TOKEN_CHARS: Final = 160
"""A longer token is not looked at: a handle has 64 characters at most."""


class CartLinks:
    """Tokens of one store's cart pages. The same cart has the same token in every worker."""

    def __init__(self, store: Store, secret: bytes) -> None:
        """`secret` is 32 bytes that every worker has."""
        self._store = store
        self._secret = secret
        self._bound = [store.id.encode()]

    @cached_property
    def _key(self) -> "AESSIV":
        # Only stores with pages of carts need it: 9 MB, and a moment of each start.
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV  # noqa: PLC0415

        return AESSIV(self._secret)

    def token(self, cart: CartId) -> str:
        """The token of a cart: its handle under AES-SIV (RFC 5297), which is deterministic and authenticated."""
        return base64.urlsafe_b64encode(self._key.encrypt(cart.encode(), self._bound)).decode().rstrip("=")

    def cart(self, token: str) -> CartId | None:
        """The cart of a token; None for one that was not made here."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415

        if len(token) > MAX_TOKEN_CHARS or not token.isascii():
            return None
        try:
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            return CartId(self._key.decrypt(sealed, self._bound).decode())
        except (binascii.Error, InvalidTag, ValueError):
            return None

    def page(self, runner: ToolRunner, cart: CartId) -> str | None:
        """The URL of a cart's page; None for the cart of somebody who signed in, which nobody else may open."""
        return None if runner.caller.kind == "customer" else self.url(cart)

    def url(self, cart: CartId) -> str:
        """The URL of the page of a cart that is no customer's."""
        return self._store.url(f"{CART_PATH}{self.token(cart)}")
