"""Permalinks (`dev.ucp.shopping.permalink`): a link with items in it that fills a cart and leads to its page.

Whatever is wrong with a link, who follows it comes to a page of the shop: every answer is a redirect.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from msgspec import Struct

from storefront_mcp.agent_protocols.ucp import PERMALINK_MOUNT
from storefront_mcp.calls.agent_protocol import ProtocolRequest, ProtocolResponse
from storefront_mcp.calls.errors import CallError
from storefront_mcp.checkout_sessions import CheckoutSessions, SessionRequest, WantedLine
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.commerce.store import Store
from storefront_mcp.instrumentation import AgentProtocolName

MAX_URL_BYTES: Final = 2048
"""Of a permalink, with its origin."""
MAX_ITEMS: Final = 50
MAX_PARAMETERS: Final = 50
ITEM_PATTERN: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([1-9][0-9]{0,2})")
"""An id of token characters (RFC 9110 §5.6.2), or `~` and Base64url, and a quantity."""
CONTINUE_TO: Final = "continue_to"
INPUT_MEMBERS: Final = frozenset(
    {"attribution", "buyer", "cart_id", "context", "discounts", "fulfillment", "line_items", "payment", "signals"}
)
"""Members of a checkout that a parameter may name the path of. All but discount codes are left out: a link is no place
for what is personal, items are in the path already, and the rest are hints."""
CODE_PATTERN: Final = re.compile(r"discounts/codes/([0-9])")
HEADERS: Final = (
    (b"cache-control", b"no-store"),
    (b"x-robots-tag", b"noindex, nofollow"),
)


class FilledCartLink(Struct, frozen=True, kw_only=True):
    """What a permalink says."""

    items: Mapping[str, int]
    """Quantities by id; empty where it says none that could be read."""
    codes: Sequence[str] = ()
    continue_to: str = ""
    """A path of the shop, encoded; empty without a valid one."""
    foreign: Sequence[tuple[str, str]] = ()
    """Parameters of others, which are kept."""


class UcpPermalinks:
    """Implements `AgentProtocol` below `/ucp/permalink`."""

    name: AgentProtocolName = "ucp"
    label = "ucp permalink"
    mount = PERMALINK_MOUNT
    request_headers = ""

    def __init__(self, store: Store, sessions: CheckoutSessions) -> None:
        self._store = store
        self._sessions = sessions

    async def answer(self, request: ProtocolRequest) -> ProtocolResponse:
        """Fill a cart and lead to its page; where nothing of it can be bought, to another page of the shop.

        HEAD fills none: a preview or a check of links asks for no cart.
        """
        if request.method != "GET":
            return ProtocolResponse(status=HTTPStatus.METHOD_NOT_ALLOWED, headers=((b"allow", b"GET, HEAD"),))
        too_long = len(self._store.origin) + len(request.target) > MAX_URL_BYTES
        link = FilledCartLink(items={}) if too_long else read_permalink(request.path, request.query)
        filled = None if request.is_head else await self._fill_cart(request, link)
        page = filled or (self._store.url(link.continue_to) if link.continue_to else self._store.website_url)
        if link.foreign:
            page += f"{'&' if urlsplit(page).query else '?'}{urlencode(link.foreign)}"
        return ProtocolResponse(status=HTTPStatus.SEE_OTHER, headers=((b"location", page.encode()), *HEADERS))

    async def _fill_cart(self, request: ProtocolRequest, link: FilledCartLink) -> str | None:
        """The page of a cart with the items; None where none of them can be bought now."""
        if not link.items:
            return None
        lines = tuple(WantedLine(sku=sku, quantity=quantity) for sku, quantity in link.items.items())
        wanted = SessionRequest(lines=lines, codes=tuple(link.codes) or None)
        try:
            state = await self._sessions.create(request.runner, wanted, protocol="ucp", platform="permalink")
        except (CallError, ShopError):
            return None
        return state.continue_url if state.cart.lines else None


def read_permalink(path: str, query: bytes) -> FilledCartLink:
    """What a permalink says, by its path below the mount, decoded, and its query.

    One whose parameters contradict each other, or cannot be read, has no items.
    """
    try:
        sent = parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_PARAMETERS, errors="strict")
    except ValueError:
        return FilledCartLink(items={})
    foreign, pointers, targets = [], [], []
    for name, value in sent:
        pointer = name.removeprefix("/")
        member = pointer.partition("/")[0]
        if name == CONTINUE_TO:
            targets.append(value)
        elif member in INPUT_MEMBERS and (pointer != member or name != pointer):
            pointers.append((pointer.replace("~1", "/").replace("~0", "~"), value))
        else:
            foreign.append((name, value))
    continue_to = safe_path(targets[0]) if len(targets) == 1 else ""
    clear = len(dict(pointers)) == len(pointers) and len(targets) <= 1
    codes = sorted((found.group(1), value) for name, value in pointers if (found := CODE_PATTERN.fullmatch(name)))
    return FilledCartLink(
        items=_items(path.removeprefix("/")) if clear else {},
        codes=[code for _, code in codes if code.strip()],
        continue_to=continue_to,
        foreign=foreign,
    )


def safe_path(value: str) -> str:
    """A path of the shop's own site, encoded anew; empty for anything that may lead elsewhere."""
    inside = value.startswith("/") and not value.startswith(("//", "/\\"))
    if not inside or "\\" in value or any(not one.isprintable() for one in value):
        return ""
    path, mark, query = value.partition("#")[0].partition("?")
    return quote(path, safe="/-._~!$&'()*+,;=:@") + mark + quote(query, safe="-._~!$'()*,;:@/?&=+")


def _items(text: str) -> dict[str, int]:
    """Quantities by id; empty where any part cannot be read."""
    parts = text.split(",")
    if len(parts) > MAX_ITEMS:
        return {}
    found: dict[str, int] = {}
    for part in parts:
        match = ITEM_PATTERN.fullmatch(part)
        id_ = _decode_id(match.group(1)) if match else ""
        if not match or not id_:
            return {}
        found[id_] = found.get(id_, 0) + int(match.group(2))
    return found


def _decode_id(id_: str) -> str:
    """An id as the shop has it; empty where its Base64url is not canonical, or no text."""
    if not id_.startswith("~"):
        return id_
    encoded = id_[1:]
    try:
        plain = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        text = plain.decode()
    except (binascii.Error, ValueError):
        return ""
    canonical = base64.urlsafe_b64encode(plain).decode().rstrip("=") == encoded
    return text if canonical and text.isprintable() else ""
