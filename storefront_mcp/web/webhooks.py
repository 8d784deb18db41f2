"""`/webhooks/{provider}`: a provider tells that something happened, which is written down and makes us look sooner.

What an event says is not acted upon: the one who looks asks the provider. So it does not matter in which order events
come, how often, or whether at all.
"""

import logging
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from litestar import Request, Response
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler, post
from litestar.params import FromPath

from storefront_mcp.checkout.record import Records
from storefront_mcp.commerce.names import StoreId
from storefront_mcp.payments.port import EventRefused, Provider
from storefront_mcp.web import problem
from storefront_mcp.web.body import BodyRefused, read_body
from storefront_mcp.web.front import SITE
from storefront_mcp.web.site import Site

log: Final = logging.getLogger("storefront_mcp.web")


def webhook_routes(
    providers: Mapping[StoreId, Provider], records: Records, *, now: Callable[[], float] = time.time
) -> list[HTTPRouteHandler]:
    """The route, for the stores that have a provider."""

    @post("/webhooks/{name:str}", include_in_schema=False)
    async def hear(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
        """200 says that the event is written down; anything else asks the provider to send it again."""
        site: Site = request.scope[SITE]  # type: ignore[typeddict-item]
        provider = providers.get(site.store.id)
        if provider is None or provider.name != name:
            raise NotFoundException(detail=f"{site.store.name} hears no such webhooks.")
        fields = list(request.scope["headers"])
        try:
            body = await read_body(fields, request.receive)
        except BodyRefused as refused:
            return _refused(refused.status or HTTPStatus.BAD_REQUEST, str(refused))
        headers = {field.decode("latin-1").lower(): value.decode("latin-1") for field, value in fields}
        try:
            event = provider.event(body, headers)
        except EventRefused as error:
            log.warning("a webhook of %s was refused: %s", name, error)
            return _refused(HTTPStatus.BAD_REQUEST, "This event's signature does not hold, or it is too old.")
        try:
            new = await records.keep_event(
                provider.name, event.id, store=site.store.id, checkout=event.checkout, now=now()
            )
        except Exception:
            log.exception("an event of %s could not be written down", name)
            return _refused(HTTPStatus.SERVICE_UNAVAILABLE, "The event could not be written down. Send it again.")
        if new and event.checkout is not None:
            await _hastened(records, site.store.id, event.checkout, now())
        return Response(b"", status_code=HTTPStatus.OK, headers={"cache-control": "no-store"})

    return [hear]


async def _hastened(records: Records, store: StoreId, checkout: str, now: float) -> None:
    try:
        await records.hasten(store, checkout, now=now)
    except Exception:
        # The event is kept, and the reconciler comes by anyhow: nothing is lost but time.
        log.exception("a checkout could not be hastened")


def _refused(status: int, detail: str) -> Response[bytes]:
    wait = {"retry-after": "10"} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return Response(
        problem.problem_bytes(status, detail),
        status_code=status,
        media_type=problem.MEDIA_TYPE,
        headers={"cache-control": "no-store", **wait},
    )
