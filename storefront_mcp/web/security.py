"""Security headers of every response, and paths without secrets for logs."""

from typing import Final

from storefront_mcp.agent_protocols.acp import ACP_MOUNT
from storefront_mcp.agent_protocols.ucp import RELEASES
from storefront_mcp.commerce.store import Store

_POLICY: Final = (
    b"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' https: data:; connect-src 'self'; "
    b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", _POLICY),
)
_HSTS: Final = ((b"strict-transport-security", b"max-age=31536000"),)
SECRET_PREFIXES: Final = (
    "/pay/",
    "/sandbox/pay/",
    "/cart/",
    "/a2a/rest/tasks/",
    *(f"{ACP_MOUNT}/{kind}/" for kind in ("carts", "checkout_sessions")),
    *(f"{release.mount}/{kind}/" for release in RELEASES for kind in ("carts", "checkout-sessions")),
)
"""Prefixes of paths whose rest is a credential."""
MAX_LOGGED_PATH_CHARS: Final = 200
MAX_LOGGED_SEGMENT_CHARS: Final = 40
"""A longer path segment is likely to be a key."""
MASK: Final = "…"


def security_headers(store: Store) -> list[tuple[bytes, bytes]]:
    """The same for each response of a store; HSTS only where the store is reached over HTTPS."""
    return [*SECURITY_HEADERS, *(_HSTS if store.origin.startswith("https:") else ())]


def masked_path(path: str) -> str:
    """A path as it may be logged: without secrets and long segments, printable, `MAX_LOGGED_PATH_CHARS` at most."""
    folded = path.lower()
    for prefix in SECRET_PREFIXES:
        if folded.startswith(prefix):
            return prefix + MASK
    masked = "/".join(part if len(part) <= MAX_LOGGED_SEGMENT_CHARS else MASK for part in path.split("/"))
    return "".join(each if each.isprintable() else "?" for each in masked[:MAX_LOGGED_PATH_CHARS])
