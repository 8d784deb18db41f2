"""`/webhooks/shop`: what has changed in a shop's catalogue, signed as Standard Webhooks has it (standardwebhooks.com).

A webhook is only a hint: the shop is asked for what has changed. So order, repetition and loss do not matter, and what
else its body says is not read. Shop software that sends webhooks of its own has a `ShopWebhookReader` for them.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler, post
from msgspec import Meta, Struct

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.commerce.shop_webhooks import (
    ReportedChange,
    ShopWebhookReader,
    WebhookUnreadable,
    WebhookUnsigned,
)
from storefront_mcp.web.body import BodyRefused, read_body
from storefront_mcp.web.host_router import site_of
from storefront_mcp.web.problem import problem_response

SHOP_WEBHOOK_PATH: Final = "/webhooks/shop"
TOLERANCE_SECONDS: Final = 300
"""A signature's age, or how far a sender's clock may be ahead."""
MAX_SIGNATURES: Final = 10
"""In one header, as while a secret is being replaced."""
NO_STORE: Final = {"cache-control": "no-store"}


class CatalogueWebhook(Struct, frozen=True, kw_only=True):
    """The body; fields besides these are not read."""

    skus: Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=20_000)] = []
    """Of products that have changed, variants too."""
    everything: bool = False
    """Whether more has changed than there is a list of."""


class CatalogueListener(Struct, frozen=True, kw_only=True):
    """Who hears the webhooks of one store."""

    read: ShopWebhookReader
    changed: Callable[[Iterable[str]], None]
    all_changed: Callable[[], None]


def shop_webhook_routes(
    listeners: Mapping[StoreId, CatalogueListener], *, now: Callable[[], float] = time.time
) -> list[HTTPRouteHandler]:
    """The route, for the stores that have a listener; none without any."""
    if not listeners:
        return []

    @post(SHOP_WEBHOOK_PATH, include_in_schema=False)
    async def receive_change(request: Request[Any, Any, Any]) -> Response[bytes]:
        """202 at once: the shop is asked later, and only for what agents want."""
        site = site_of(request)
        listener = listeners.get(site.store.id)
        if listener is None:
            raise NotFoundException(detail=f"{site.store.name} hears no such webhooks.")
        fields = list(request.scope["headers"])
        try:
            body = await read_body(fields, request.receive)
        except BodyRefused as refused:
            return problem_response(refused.status or HTTPStatus.BAD_REQUEST, str(refused))
        try:
            change = listener.read(dict(fields), body, now=now())
        except WebhookUnsigned:
            return problem_response(
                HTTPStatus.UNAUTHORIZED, "This webhook's signature does not hold, or it is too old."
            )
        except WebhookUnreadable as refused:
            return problem_response(HTTPStatus.BAD_REQUEST, str(refused))
        if change is None:
            return Response(b"", status_code=HTTPStatus.OK, headers=NO_STORE)
        if change.everything:
            listener.all_changed()
        else:
            listener.changed(change.skus)
        return Response(b"", status_code=HTTPStatus.ACCEPTED, headers=NO_STORE)

    return [receive_change]


class StandardWebhookReader:
    """Reads what is signed as Standard Webhooks has it."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __call__(self, headers: Mapping[bytes, bytes], body: bytes, *, now: float) -> ReportedChange:
        """The changes that the body names. Raises WebhookUnsigned and WebhookUnreadable."""
        if not is_signed(self._key, headers, body, now=now):
            raise WebhookUnsigned
        try:
            told = msgspec.json.decode(body, type=CatalogueWebhook)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            said = 'Wants an object such as {"skus": ["TEE-BLACK-M"]} or {"everything": true}.'
            raise WebhookUnreadable(said) from None
        return ReportedChange(skus=tuple(told.skus), everything=told.everything)


def is_signed(key: bytes, headers: Mapping[bytes, bytes], body: bytes, *, now: float) -> bool:
    """Whether one of the signatures holds, over id, Unix seconds and body, and is not old."""
    id_, moment = headers.get(b"webhook-id", b""), headers.get(b"webhook-timestamp", b"")
    if not id_ or not moment.isdigit() or len(moment) > len("9999999999"):
        return False
    if abs(now - int(moment)) > TOLERANCE_SECONDS:
        return False
    signed = hmac.new(key, b".".join((id_, moment, body)), hashlib.sha256).digest()
    wanted = b"v1," + base64.b64encode(signed)
    given = headers.get(b"webhook-signature", b"").split()[:MAX_SIGNATURES]
    return any(hmac.compare_digest(wanted, one) for one in given)
