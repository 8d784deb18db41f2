"""Headers that every answer carries, and which browser pages may call us."""

from typing import Final
from urllib.parse import urlsplit

from storefront_mcp.commerce.store import Store

_POLICY: Final = (
    b"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' https: data:; connect-src 'self'; "
    b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", _POLICY),
)
_HTTPS: Final = ((b"strict-transport-security", b"max-age=31536000"),)
SECRET: Final = ("/pay/", "/sandbox/pay/")
"""Where the rest of an address is its key."""
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def security_headers(store: Store) -> list[tuple[bytes, bytes]]:
    """The same for each answer of a store; HSTS only where the store is reached over HTTPS."""
    return [*ALWAYS, *(_HTTPS if store.origin.startswith("https:") else ())]


def origin_allowed(origin: str, store: Store) -> bool:
    """Whether a browser page of this origin may use the endpoint (DNS rebinding: MCP transports, Origin).

    The store's own pages may, the ones its operator lists, and on a loopback store every loopback page.
    """
    if origin == store.origin or origin in store.allowed_origins:
        return True
    return store.hostname in LOOPBACK and _hostname(origin) in LOOPBACK


def told_in_logs(path: str) -> str:
    """A path without what is secret in it: who knows the address of a buyer's page may open it."""
    for room in SECRET:
        if path.startswith(room):
            return f"{room}…"
    return path


def _hostname(origin: str) -> str | None:
    try:
        return urlsplit(origin).hostname
    except ValueError:
        return None
