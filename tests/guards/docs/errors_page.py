"""Every error an agent can meet: docs/errors.md, made of the one table and of what the errors say."""

import inspect
from collections.abc import Mapping
from typing import Final

import msgspec

from storefront_mcp.access.credentials import CredentialCheckUnavailable, CredentialRefused
from storefront_mcp.access.rate_limits import LimitExceeded, RateLimit
from storefront_mcp.app import all_phases
from storefront_mcp.calls.arguments import read_arguments
from storefront_mcp.calls.errors import (
    ArgumentsRefused,
    CallFailed,
    RateLimited,
    ScopeMissing,
    SignedOut,
    ToolNotOpen,
    UnknownTool,
)
from storefront_mcp.commerce import account_errors as account, errors as shop
from storefront_mcp.commerce.cart import CartLine, LostLine
from storefront_mcp.commerce.error_codes import CANCELLED, CodedError
from storefront_mcp.commerce.ids import LineId, Sku
from storefront_mcp.commerce.money import Money
from storefront_mcp.commerce.product import CustomOption, Variant
from storefront_mcp.commerce.search_errors import FilterRefused
from storefront_mcp.commerce.shipping import ShippingMethod
from storefront_mcp.mcp.errors import ERROR_RENDERINGS
from storefront_mcp.mcp.jsonrpc import ErrorCode
from storefront_mcp.mcp.results import ERROR_META_KEY
from storefront_mcp.tools.tool_context import MissingClientCapability

MAY_REPEAT: Final = {
    shop.ShopBusy: "after the seconds it names",
    shop.ShopDown: "after a minute",
    shop.ShopOutcomeUnknown: "only after `view_cart` shows that it did not happen",
    shop.PaymentDown: "after a minute",
    RateLimited: "after the seconds it names",
    CallFailed: "once; after a write, look with `view_cart` first",
}
"""When the same call may be sent again unchanged; the others need another one."""


def _refused_arguments() -> ArgumentsRefused:
    (tool,) = (phase.tools["add_to_cart"] for phase in all_phases() if "add_to_cart" in phase.tools)
    try:
        read_arguments(b'{"cart_id": "cart_1", "sku": "PAD-2", "quantity": "many"}', tool.arguments)
    except ArgumentsRefused as refused:
        return refused
    raise AssertionError("these arguments do not fit")


def samples() -> Mapping[type[CodedError], CodedError]:
    """One of each."""
    checkout = next(phase for phase in all_phases() if phase.name == "p3_checkout")
    engraving = CustomOption(
        id="1", title="Engraving", kind="text", required=True, max_length=12, surcharge=Money(500, "AUD")
    )
    made = (
        shop.ProductNotFound("PAD-0"),
        shop.CategoryNotFound("no/such/shelf"),
        shop.PageNotFound("about"),
        shop.CursorRefused(),
        FilterRefused("material", ["color", "size"]),
        shop.CartNotFound(),
        shop.CartGone([LostLine(Sku("PAD-2"), 1)]),
        shop.LineNotFound("7"),
        shop.OutOfStock("PAD-2"),
        shop.NotEnoughStock("PAD-2", available=3),
        shop.VariantNeeded(
            "TEE", [Variant(sku=Sku("TEE-BLACK-M"), options={"Colour": "Black", "Size": "M"}, stock=27)]
        ),
        shop.OptionsNeeded("GIFT-MUG", "Engraving is required.", [engraving]),
        shop.QuantityRefused("at most 10 can be bought."),
        shop.CouponRejected("SAVE99", dropped="SAVE10"),
        shop.GiftCardRejected("The shop does not take this gift card", internal="for the log"),
        shop.CountryNotServed("AQ", ["AU", "NZ"]),
        shop.AddressRefused("AU has no region 'Bavaria'. It has: New South Wales (NSW), Queensland (QLD)."),
        shop.CartEmpty(),
        shop.ShippingMethodRefused("drone", [ShippingMethod("auspost_parcel", "Parcel Post", Money(995, "AUD"))]),
        shop.OrderRefused("Payment method is not available for this cart", internal="for the log"),
        shop.EmailRefused(),
        shop.NoWayToPay(),
        shop.TotalRefused(
            "This total is too small to be paid online.", "AUD 0.20 cannot be paid, it takes at least AUD 0.50"
        ),
        shop.CheckoutNotFound(staff="the shop (orders@pickle.example)"),
        shop.CartBeingOrdered("chk_7Qm2vX0cB4n9sTz1LwE8gA"),
        shop.CartOrdered("chk_7Qm2vX0cB4n9sTz1LwE8gA", "100000001", staff="the shop (orders@pickle.example)"),
        account.OrderNotFound("100000099"),
        account.OrderNotCancellable("100000015", "it is paid", staff="the shop (orders@pickle.example)"),
        account.CustomerCartInUse(
            [
                CartLine(
                    line_id=LineId("1"),
                    sku=Sku("PAD-2"),
                    name="Paddle",
                    quantity=1,
                    price=Money(27900, "AUD"),
                    total=Money(27900, "AUD"),
                )
            ]
        ),
        shop.KeyReused(),
        shop.PaymentDown(internal="for the log"),
        shop.ShopBusy(),
        shop.ShopRefused("This product is sold in the shop only."),
        shop.ShopDown(),
        shop.ShopOutcomeUnknown(),
        shop.ShopMisconfigured("for the log"),
        ToolNotOpen("place_order", checkout),
        _refused_arguments(),
        ScopeMissing("get_customer_orders", "orders:read"),
        SignedOut(),
        UnknownTool("buy_everything"),
        RateLimited(LimitExceeded(rule="coupon", rate=RateLimit(4, 15.0), wait=14.2)),
        CallFailed(),
    )
    return {type(error): error for error in made}


def page() -> str:
    """The whole page."""
    told = samples()
    parts = [_INTRODUCTION]
    for title, form in (("Results with `isError`", "result"), ("JSON-RPC errors", "error")):
        parts.append(f"## {title}\n\n{_WHERE[form]}")
        parts += [_entry(told[kind]) for kind, shown in ERROR_RENDERINGS.items() if shown.form == form]
    parts += [_others(), _messages()]
    return "\n\n".join(parts) + "\n"


def _entry(error: CodedError) -> str:
    kind = type(error)
    shown = ERROR_RENDERINGS[kind]
    detail = getattr(error, "detail", None)
    said = str(error) + ("" if detail is None else f"\n{msgspec.json.encode(detail).decode()}")
    code = ""
    if shown.form == "error":
        code = f" JSON-RPC code {int(shown.code)} with `data.code`, HTTP {shown.status} in the modern form."
    if kind is ScopeMissing:
        code = (
            f" JSON-RPC code {int(shown.code)} with `data.code` and `data.required_scope`; in every version "
            f"HTTP 401 for guests and {shown.status} for others, with the scope in `WWW-Authenticate`. Where buyers "
            "sign in for it, the body is a result with `isError` instead."
        )
    again = MAY_REPEAT.get(kind, "no: change it first")
    if kind is shop.ShopMisconfigured:
        again = "no: only the shop's operator can help"
    if kind is SignedOut:
        code = f" In every version HTTP {shown.status} with a challenge; the body is a result with `isError`."
        again = "once the buyer has signed in again"
    if kind is ScopeMissing:
        again = "only with such a credential"
    if kind is ToolNotOpen:
        again = "no: look at the server card for what is open"
    meaning = " ".join((inspect.getdoc(kind) or "").split()).replace("`", "")
    return f"### {error.code}\n\n{meaning}{code}\n\n```text\n{said}\n```\n\nThe same call again: {again}."


def _others() -> str:
    """Codes that no tool's answer has."""
    rows = [f"| `{code}` | {where} |" for code, where in OTHER_CODES.items()]
    return "\n".join(["## Other codes", "", _OTHERS, "", "| Code | Meaning |", "| --- | --- |", *rows])


def _messages() -> str:
    """Refusals of messages, which come before any tool."""
    rows = [f"| `{int(code)}` | {_CODES[code]} |" for code in ErrorCode]
    return "\n".join(["## Refused messages", "", _REFUSED, "", "| Code | When |", "| --- | --- |", *rows])


_INTRODUCTION = """\
# Errors

What an agent sees when a call goes wrong, error by error. A model reads the text, which says what happened and what to
do next; where there is a choice to make, the second line is JSON with what there is to choose from. A program reads the
code: it is a heading here, never changes, and is the same in audit, metrics, traces and logs. This page is generated
from the server's own table of errors (`make goldens`)."""

_WHERE = {
    "result": f"""\
The tool answered, and the answer is a refusal that a model can read and act on. The code is in the result's
structured content:

```json
{{"structuredContent": {{"error": {{"code": "{shop.OutOfStock.code}", "message": "…", "detail": {{}}}}}}}}
```

`message` is the text's sentence and `detail`, where there is a choice to make, its second line: some clients show
nothing else.
Protocol versions before 2025-06-18 have no structured content; there it is in `_meta["{ERROR_META_KEY}"].code`.""",
    "error": "The call never reached a tool, or broke in ours. The code is in the error's `data`.",
}

OTHER_CODES: Final = {
    MissingClientCapability.code: "the call needs what the client did not declare; the modern form says -32021",
    CredentialRefused.code: "HTTP 401, `code` of the problem document: the credential is wrong, expired or revoked",
    CredentialCheckUnavailable.code: (
        "HTTP 503, likewise: the credential's issuer does not answer; try again after `Retry-After`"
    ),
    CANCELLED: "on record only: the client hung up, or the server stopped, before the call was through",
}

_OTHERS = f"""\
Refusals by HTTP status alone are problem documents (RFC 9457); where they have a code, its member is `code`. An HTTP
429 is `{RateLimited.code}`, a missing scope `{ScopeMissing.code}`."""

_REFUSED = """\
A message that is no proper MCP message is answered with a JSON-RPC error. Versions with a handshake get it in an HTTP
200, or in a 400 when the message could not even be read; the modern form always gets an HTTP status of its own."""

_CODES: Final = {
    ErrorCode.PARSE_ERROR: "the body is not JSON",
    ErrorCode.INVALID_REQUEST: "JSON, but no JSON-RPC request, or an array in a version that has none",
    ErrorCode.METHOD_NOT_FOUND: "a method that this server or this version does not have",
    ErrorCode.INVALID_PARAMS: (
        "`params` of the method are wrong, an unknown tool is called, or `_meta` lacks what it needs"
    ),
    ErrorCode.INTERNAL_ERROR: "a fault on our side",
    ErrorCode.HEADER_MISMATCH: "headers and body contradict each other (modern form)",
    ErrorCode.MISSING_REQUIRED_CLIENT_CAPABILITY: (
        "the call needs what the client did not declare; `requiredCapabilities` names it"
    ),
    ErrorCode.RESOURCE_NOT_FOUND: "no resource has this address (handshake era; the modern form says -32602)",
    ErrorCode.RATE_LIMITED: (
        "too many requests, or refused credentials, from one address: HTTP 429 always, without an id; with an id, too "
        "much was read, completed or subscribed to, and `data` has the limit and the seconds to wait"
    ),
    ErrorCode.UNSUPPORTED_PROTOCOL_VERSION: (
        "a protocol version that is not spoken here; those that are come with the answer"
    ),
}
