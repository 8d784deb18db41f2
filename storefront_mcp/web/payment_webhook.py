"""`/webhooks/{provider}`: payment events, which are stored and make their checkout due.

An event is only a hint: the reconciler asks the provider. So order, repetition and loss of events do not matter.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from litestar import Request, Response
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler, post
from litestar.params import FromPath
from msgspec import Struct

from storefront_mcp.checkout.record import CheckoutRepository
from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.payments.provider import EventRefused, PaymentProvider
from storefront_mcp.web.body import BodyRefused, read_body
from storefront_mcp.web.host_router import site_of
from storefront_mcp.web.problem import problem_response

log: Final = logging.getLogger("storefront_mcp.web")
FAILING_WEBHOOKS: Final = 3
"""Refusals in a row after which signatures count as failing."""
FAILING_SECONDS: Final = 3600.0


class RefusedWebhooks(Struct, frozen=True, kw_only=True):
    """Several webhooks of one store that were refused in a row."""

    count: int
    oldest_at: float
    """Unix seconds."""
    reason: str
    """Of the last one."""


class WebhookRefusals:
    """The last refused webhooks of each store, in this worker. One alone means nothing: anybody can send one."""

    def __init__(self, *, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._moments: dict[StoreId, deque[float]] = {}
        self._reasons: dict[StoreId, str] = {}
        """Of stores with one that nobody has taken yet."""

    def record(self, store: StoreId, reason: str) -> None:
        """Record one."""
        self._moments.setdefault(store, deque(maxlen=FAILING_WEBHOOKS)).append(self._now())
        self._reasons[store] = reason

    def take(self, store: StoreId) -> RefusedWebhooks | None:
        """The last FAILING_WEBHOOKS, if they came within FAILING_SECONDS and one of them since this was asked last."""
        reason, moments = self._reasons.pop(store, None), self._moments.get(store, deque())
        if reason is None or len(moments) < FAILING_WEBHOOKS or self._now() - moments[0] > FAILING_SECONDS:
            return None
        return RefusedWebhooks(count=len(moments), oldest_at=moments[0], reason=reason)


def webhook_routes(
    providers: Mapping[StoreId, PaymentProvider],
    records: CheckoutRepository,
    *,
    refusals: WebhookRefusals | None = None,
    now: Callable[[], float] = time.time,
) -> list[HTTPRouteHandler]:
    """The route, for the stores that have a payment provider. What is refused is recorded in `refusals`."""
    refusals = refusals or WebhookRefusals(now=now)

    @post("/webhooks/{name:str}", include_in_schema=False)
    async def receive_event(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
        """200 once the event is stored; after any other status the provider sends it again."""
        site = site_of(request)
        provider = providers.get(site.store.id)
        if provider is None or provider.name != name:
            raise NotFoundException(detail=f"{site.store.name} hears no such webhooks.")
        fields = list(request.scope["headers"])
        try:
            body = await read_body(fields, request.receive)
        except BodyRefused as refused:
            return problem_response(refused.status or HTTPStatus.BAD_REQUEST, str(refused))
        headers = {field.decode("latin-1").lower(): value.decode("latin-1") for field, value in fields}
        try:
            event = provider.event(body, headers)
        except EventRefused as error:
            log.warning("a webhook of %s was refused: %s", name, error)
            refusals.record(site.store.id, str(error))
            return problem_response(HTTPStatus.BAD_REQUEST, "This event's signature does not hold, or it is too old.")
        try:
            new = await records.keep_event(
                provider.name, event.id, store=site.store.id, checkout=event.checkout, now=now()
            )
        except Exception:
            log.exception("an event of %s could not be written down", name)
            return problem_response(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "The event could not be written down. Send it again.",
                {"retry-after": "10"},
            )
        if new and event.checkout is not None:
            await _mark_due(records, site.store.id, event.checkout, now())
        return Response(b"", status_code=HTTPStatus.OK, headers={"cache-control": "no-store"})

    return [receive_event]


async def _mark_due(records: CheckoutRepository, store: StoreId, checkout: str, now: float) -> None:
    try:
        await records.mark_due(store, checkout, now=now)
    except Exception:
        # The event is stored, and the reconciler polls anyhow: nothing is lost but time.
        log.exception("a checkout could not be hastened")
