"""Terms that hold for what is bought: the shop's own words on returns, as UCP's policies."""

import re
import time
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from storefront_mcp.calls.errors import CallError
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.ucp.catalog_shapes import UcpDescription, UcpPolicy
from storefront_mcp.ucp.request import UcpRequest

RETURN_POLICY: Final = "dev.ucp.shopping.policy.return"
MAX_POLICY_CHARS: Final = 1000
POLICY_SECONDS: Final = 300.0
"""How long the page may be told as it was."""
RETRY_SECONDS: Final = 30.0
"""After which a page that could not be read is asked for again."""
LINK_PATTERN: Final = re.compile(r"!?\[([^\[\]\n]*)\]\([^()\n]*\)")
MARKUP_PATTERN: Final = re.compile(r"(?m)^[ \t]{0,3}(?:#{1,6}|>)[ \t]+|\*\*|__|`")


class ReadPolicies(Struct, frozen=True):
    """Policies, and until when they may be told; `until` is monotonic, in seconds."""

    policies: tuple[UcpPolicy, ...]
    until: float


class ShopPolicies:
    """The policies of one store, read of its pages once in five minutes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` is monotonic, in seconds."""
        self._clock = clock
        self._read = ReadPolicies((), float("-inf"))

    async def of(self, request: UcpRequest) -> tuple[UcpPolicy, ...]:
        """The policies of whatever the answer has in it; none where the release knows none, or no page tells any."""
        if not request.release.has_policies or not request.runner.is_open("get_store_info"):
            return ()
        if self._clock() >= self._read.until:
            found = await _read_policies(request)
            known, seconds = (self._read.policies, RETRY_SECONDS) if found is None else (found, POLICY_SECONDS)
            self._read = ReadPolicies(known, self._clock() + seconds)
        return self._read.policies


async def _read_policies(request: UcpRequest) -> tuple[UcpPolicy, ...] | None:
    """The policies; None where they cannot be read now."""
    store = request.runner.shop.store
    try:
        told = await request.runner.run("get_store_info", topic="returns")
    except (CallError, ShopError):
        return None
    page = next((page for page in store.pages if page not in told.pages), None)
    if page is None or not told.page.strip():
        return ()
    description = UcpDescription(plain_excerpt(told.page))
    return (UcpPolicy(type=RETURN_POLICY, description=description, url=store.url(f"/{page}")),)


def plain_excerpt(markdown: str) -> str:
    r"""The beginning of a Markdown text, to the end of a paragraph or a word, without its marks.

    >>> plain_excerpt("# Returns\n\nWithin **30 days**, see [terms](https://pickle.example/terms).")
    'Returns\n\nWithin 30 days, see terms.'
    """
    text = MARKUP_PATTERN.sub("", LINK_PATTERN.sub(r"\1", markdown)).strip()
    if len(text) <= MAX_POLICY_CHARS:
        return text
    begun = text[:MAX_POLICY_CHARS]
    whole = begun.rpartition("\n\n")[0] or begun.rpartition(" ")[0] or begun
    return f"{whole.rstrip()} …"
