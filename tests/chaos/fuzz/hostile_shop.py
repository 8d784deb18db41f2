"""A shop that turned bad: whatever it can put into an answer, drawn by Hypothesis, over any question it is asked."""

import gzip
import json
import re
import time
import zlib
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from msgspec import Struct

EVIL: Final = "evil.example"
UNITS: Final = (
    "a", " ", "\n", "<", "<div>", "<blockquote>", "<b><p>", '<a href="', "<ul><li>", "</p><p>", "<!--", "<script>",
    "<svg>", "&amp;", "&#9999999999;", "{{", "](", "![a](", "\u202e", "x@", "0", "http://", "[cart] ",
    "<table><tr><td>", "<br>", "\n \n",
)  # fmt: skip
"""What is repeated, to be slow to read."""
LURES: Final = (
    f"![x](https://{EVIL}/?q=1)", "[pay](javascript:alert(1))", f'<img src="https://{EVIL}/a.png">', f"//{EVIL}/a",
    f"&lt;img src=//{EVIL}/x&gt;", "http://10.0.0.7/admin", "https://upstream.internal/x",
    "data:text/html,x", "\ud800", "\x00",
)  # fmt: skip
"""What should reach no agent."""
NUMBERS: Final = (
    0,
    -1,
    1,
    7,
    2**31,
    2**63,
    10**30,
    -(10**30),
    1.5,
    1e308,
    "NaN",
    "sNaN",
    "1e999999",
    "-Infinity",
    "9" * 5000,
)
TIMES: Final = (1, 3, 60, 4_000, 120_000)
MAX_LIST_BYTES: Final = 5_000_000
COUNTS: Final = (0, 1, 2, 30, 9_000)

REPEATED: Final = [unit * min(times, 400_000 // len(unit)) for unit in UNITS for times in TIMES]
FORMATTED: Final = [
    "<p>" + "".join(f"<b i={one}>" for one in range(count)) + "</p>" + "<p>x</p>" * count
    for count in (1, 2, 9, 40, 200, 700, 1500)
]
NO_JSON: Final = [
    b"", b"{", b"[" * 100_000, b"\xff\xfe", b'{"price":' + b"9" * 200_000 + b"}", b"0" * 5_000_000,
]  # fmt: skip

repeated = st.sampled_from(REPEATED)
formatting = st.sampled_from(FORMATTED)
texts: SearchStrategy[str] = st.one_of(
    st.sampled_from(("Paddle", "PAD-1", "paddle", "AU", "USD")),
    st.sampled_from(LURES),
    repeated,
    formatting,
    st.text(max_size=30),
)
numbers: SearchStrategy[Any] = st.sampled_from(NUMBERS)
scalars: SearchStrategy[Any] = st.one_of(texts, numbers, st.none(), st.booleans())
nested: SearchStrategy[Any] = st.just(json.loads("[" * 400 + "]" * 400))


def seldom(rare: SearchStrategy[Any], usual: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """One time in twelve the rare one."""
    return st.integers(0, 11).flatmap(lambda number: rare if number == 11 else usual)


def struct(honest: dict[str, Any], **lists: SearchStrategy[Any]) -> SearchStrategy[dict[str, Any]]:
    """An object with some of its fields replaced, seldom by what is not even of their kind."""

    def change(name: str) -> SearchStrategy[tuple[str, Any]]:
        usual = lists.get(name, texts if isinstance(honest[name], str) else numbers)
        return st.tuples(st.just(name), seldom(scalars | nested, usual))

    changes = st.lists(st.sampled_from(sorted(honest)).flatmap(change), max_size=4)
    return changes.map(lambda changed: honest | dict(changed))


def many(one: SearchStrategy[Any]) -> SearchStrategy[list[Any]]:
    """A list of one thing, again and again, not much longer than an answer may be."""
    return st.builds(
        lambda thing, count: [thing] * min(count, MAX_LIST_BYTES // len(json.dumps(thing)) + 1),
        one,
        st.sampled_from(COUNTS),
    )


VALUE = struct(
    {"id": 3, "label": "Red", "title": "Red", "count": 2, "price": 1, "priceType": "percent", "value": "x"},
    value=many(texts),
)
AXIS = struct({"code": "color", "label": "Color", "values": []}, values=many(VALUE))
CHILD = struct(
    {"id": 2, "sku": "PAD-1-R", "price": 3, "stockQty": 4, "attributes": {"color": 3}},
    attributes=st.fixed_dictionaries({"color": texts}),
)
OPTION = struct({"id": 9, "title": "Text", "type": "field", "required": False, "values": []}, values=many(VALUE))
PART = struct({"price": 3, "defaultQty": 1, "inStock": True})
BUNDLE = struct({"required": True, "selections": []}, selections=many(PART))
PRODUCT = struct(
    {
        "id": 1, "sku": "PAD-1", "name": "Paddle", "type": "simple", "urlKey": "paddle", "price": 10, "finalPrice": 9,
        "categoryIds": [1], "description": "Light.", "imageUrl": "https://shop.example/a.png", "stockItem": [],
        "configurableOptions": [], "variants": [], "customOptions": [], "stockQty": 3, "currency": "USD",
        "hasRequiredOptions": False, "bundleOptions": [],
    },
    bundleOptions=many(BUNDLE),
    configurableOptions=many(AXIS), variants=many(CHILD), customOptions=many(OPTION), categoryIds=many(st.just(1)),
    description=texts | formatting,
)  # fmt: skip
SHELF = {"id": 1, "name": "All", "urlPath": "all", "childrenCount": 5, "productCount": 2, "children": []}
CATEGORY = struct({**SHELF, "description": ""}, children=many(st.just(SHELF)))
LINE = struct(
    {"id": 7, "sku": "PAD-1", "name": "Paddle", "qty": 2, "price": 9, "rowTotal": 18, "productId": 1, "options": []},
    options=many(VALUE),
)
RATE = struct(
    {"code": "flat_flat", "title": "Flat", "price": 5, "carrierCode": "flat", "methodCode": "flat", "isOffline": True}
)
CART = struct(
    {
        "id": 5, "maskedId": "0123456789abcdef" * 2, "items": [], "prices": {"grandTotal": 18}, "currency": "USD",
        "appliedCoupon": [], "availableShippingMethods": [], "availablePaymentMethods": [], "incrementId": "100",
        "accessToken": "t", "token": "t", "expiresIn": 60,
    },
    items=many(LINE), availableShippingMethods=many(RATE), availablePaymentMethods=many(RATE),
    appliedCoupon=st.fixed_dictionaries({"code": texts}), prices=st.fixed_dictionaries({"grandTotal": numbers}),
)  # fmt: skip
PAGE = struct(
    {"identifier": "returns", "title": "Returns", "content": "<p>Yes.</p>", "isActive": True},
    content=texts | formatting,
)
REGION = struct({"id": 1, "code": "WA", "name": "Western"})
ERROR = struct({"error": "bad_request", "message": "Not found"})
ORDER = struct(
    {"id": 1, "incrementId": "100", "customerNote": "chk_1", "status": "new", "tracks": []},
    tracks=many(st.fixed_dictionaries({"url": texts, "title": texts})),
)
ANYTHING = st.one_of(PRODUCT, CATEGORY, CART, PAGE, ERROR, ORDER, RATE)


class ShopAnswer(Struct):
    """One answer: how it is labelled, and what is in it.

    Hypothesis keeps the bytes and texts that it drew, of hundreds of examples. So long ones are made here, when they
    are asked for, of a plan that it does not keep.
    """

    content: Any
    """Written as JSON, but for bytes."""
    status: int = 200
    media_type: str = "application/ld+json"
    coding: str = ""
    _body: bytes | None = None

    def __repr__(self) -> str:
        """As much of it as a reader can bear."""
        return f"ShopAnswer({self.status}, {self.media_type!r}, {self.coding!r}, {self.body[:200]!r})"

    @property
    def body(self) -> bytes:
        """What goes over the wire, written once."""
        if self._body is None:
            content = self.content if isinstance(self.content, bytes) else _written(self.content)
            self._body = _coded(content, self.coding)
        return self._body


def _collection(members: list[Any], total: Any) -> dict[str, Any]:
    return {"totalItems": total, "member": members}


def _written(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True).encode()


def _coded(body: bytes, coding: str) -> bytes:
    packed = {
        "gzip": gzip.compress,
        "gzip, gzip": lambda text: gzip.compress(gzip.compress(text)),
        "deflate": zlib.compress,
    }
    return packed.get(coding, bytes)(body)


def _collections(one: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.builds(
        _collection, many(one), seldom(st.sampled_from((-1, 2**63, "9" * 5000)), st.sampled_from((1, 30, 9_000)))
    )


ROUTES: Final[tuple[tuple[str, SearchStrategy[Any]], ...]] = (
    (r"/products$", _collections(PRODUCT)),
    (r"/products/\d+$", PRODUCT),
    (r"/categories$", _collections(CATEGORY)),
    (r"/categories/\d+$", CATEGORY),
    (r"/url-resolver$", _collections(st.just({"type": "category", "id": 1}))),
    (r"/layered-filters$", _collections(struct({"label": "Color", "options": []}, options=many(VALUE)))),
    (r"/cms-pages$", _collections(PAGE)),
    (r"/store-config$", struct({"allowedCountries": ["AU"]}, allowedCountries=many(st.just("AU")))),
    (r"/countries/..$", struct({"id": "AU", "availableRegions": []}, availableRegions=many(REGION))),
    (r"/shipping-methods$", many(RATE) | CART),
    (r"/payment-methods$", many(RATE) | CART),
    (r"/orders$", _collections(ORDER)),
    (r"/shipments$", _collections(ORDER)),
    (r"", CART),
)
"""Paths, and what belongs there."""
RAW: Final = st.one_of(
    st.sampled_from(NO_JSON),
    st.binary(max_size=40),
    ANYTHING,
    ERROR,
)
"""What belongs nowhere."""


def _answer(body: SearchStrategy[Any]) -> SearchStrategy[ShopAnswer]:
    return st.builds(
        ShopAnswer,
        seldom(RAW, body),
        seldom(st.sampled_from((201, 204, 302, 400, 404, 405, 422, 429, 500, 503)), st.just(200)),
        seldom(st.sampled_from(("application/json", "text/html", "")), st.just("application/ld+json")),
        seldom(st.sampled_from(("gzip, gzip", "deflate", "br", "gzip;q=1")), st.sampled_from(("", "gzip"))),
    )


ANSWERS: Final = tuple((route, _answer(body)) for route, body in ROUTES)


class HostileShop(httpx.AsyncBaseTransport):
    """Answers each path in its one way; categories are below themselves where `cycle` says so.

    An answer is drawn when it is asked for: most are not, and drawing takes longer than all else.
    """

    def __init__(self, data: st.DataObject, *, cycle: bool) -> None:
        self._data = data
        self._cycle = cycle
        self.answers: dict[str, ShopAnswer] = {}
        """What has been asked for."""
        self.asked = 0
        self.drawing_seconds = 0.0
        """Of this thread's time, which the shop does not take."""

    def __repr__(self) -> str:
        """With what is drawn by then; the rest is told as it is drawn."""
        return f"HostileShop({self.answers}, cycle={self._cycle})"

    def _answer(self, path: str) -> ShopAnswer:
        route, strategy = next((route, strategy) for route, strategy in ANSWERS if re.search(route, path))
        if route not in self.answers:
            began = time.thread_time()
            self.answers[route] = self._data.draw(strategy, route)
            self.drawing_seconds += time.thread_time() - began
        return self.answers[route]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        answer = self._answer(request.url.path)
        if self._cycle and request.url.path.endswith("/categories"):
            parent = int(request.url.params.get("parentId", "1"))
            children = [{"id": (parent * 5 + one) % 90 + 1, "name": f"C{one}", "childrenCount": 5} for one in range(5)]
            answer = ShopAnswer(_collection(children, 5))
        headers = {"content-type": answer.media_type, "retry-after": "9" * 30, "location": "https://[x"}
        headers |= {"content-encoding": answer.coding} if answer.coding else {}
        return httpx.Response(answer.status, headers=headers, stream=_Pieces(answer.body))


class _Pieces(httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self._body), 65_536):
            yield self._body[at : at + 65_536]


shops: SearchStrategy[HostileShop] = st.builds(HostileShop, st.data(), cycle=st.booleans())
