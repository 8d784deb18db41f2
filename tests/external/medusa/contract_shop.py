"""The real Medusa as a shop that the contract asks, behind faults."""

import contextlib
import uuid
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

import httpx
from litestar.types import Receive, Send
from msgspec.structs import replace

from storefront_mcp.backends.medusa import MedusaConfig, connect
from storefront_mcp.backends.medusa.lister import list_shop
from storefront_mcp.commerce.money import Money
from storefront_mcp.demo.customers import PICKLERS, DemoPerson
from tests.contract.shops.contract_shop import BookedOrder, ContractCustomers, ContractShop
from tests.external.medusa.server import MedusaServer
from tests.fakes.demo_faults import FaultQueue
from tests.fakes.faulty_app import FaultyApp, respond
from tests.fakes.medusa.shop import live
from tests.fakes.medusa.stock import stock_document
from tests.serving import PATIENCE, served

HOP_BY_HOP = {b"host", b"connection", b"keep-alive", b"transfer-encoding", b"content-length", b"date"}


class MedusaProxy:
    """Passes every request on."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request as the shop does."""
        if scope["type"] != "http":
            await live(receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            assert message["type"] == "http.request"
            body, more = body + message["body"], message["more_body"]
        query = scope["query_string"].decode()
        headers = [(name, value) for name, value in scope["headers"] if name not in HOP_BY_HOP]
        transport = httpx.AsyncHTTPTransport(verify=False)
        async with httpx.AsyncClient(transport=transport, timeout=PATIENCE) as client:
            asked = client.build_request(
                scope["method"], f"{self._url}{scope['path']}?{query}", content=body, headers=headers
            )
            answer = await client.send(asked, stream=True)
            content = b"".join([piece async for piece in answer.aiter_raw()])
        kept = [(name.lower(), value) for name, value in answer.headers.raw if name.lower() not in HOP_BY_HOP]
        await respond(send, answer.status_code, kept, content)


def strangers(medusa: MedusaServer) -> Iterator[DemoPerson]:
    """The demo shop's customers, with e-mail addresses that nobody has had before; one of them has no account."""
    for one in PICKLERS:
        new = replace(one, email=f"{uuid.uuid4().hex}.{one.email}", second_factor=None)
        medusa.register(new)
        yield new


@contextlib.asynccontextmanager
async def open_shop(medusa: MedusaServer) -> AsyncIterator[ContractShop]:
    """The shop as a test finds it: nobody ordered before."""
    before = {order["id"] for order in medusa.orders()}
    faults = FaultQueue()

    def books() -> list[BookedOrder]:
        return [
            BookedOrder(
                number=str(order["display_id"]),
                total=Money.of(str(order["total"]), order["currency_code"].upper()),
                email=order["email"],
                texts=str(order["metadata"]),
            )
            for order in medusa.orders()
            if order["id"] not in before
        ]

    ada, bo, cy = strangers(medusa)
    renamed: dict[str, str] = {}

    def rename(sku: str, name: str) -> None:
        goods = stock_document()["products"]
        found = next(one for one in goods if sku in {variant["sku"] for variant in one["variants"]})
        renamed[found["handle"]] = found["title"]
        medusa.rename(found["handle"], name)

    with served(FaultyApp(MedusaProxy(medusa.url), faults)) as origin:
        config = MedusaConfig(url=origin, key=medusa.keys.publishable)
        backend, close = connect(config, "AUD")
        lister, end = list_shop(config, "AUD")
        try:
            yield ContractShop(
                kind="medusa",
                backend=backend,
                url=origin,
                family="club-tee",
                method="pp_system_default",
                lacks=frozenset({"gift_cards", "pages", "facets", "coupon_case", "cancel", "second_factor"}),
                books=books,
                sell_out=medusa.sell_out,
                fail_order=partial(faults.next, method="POST", path="/complete"),
                fail_next=faults.next,
                fail_write=partial(faults.next, method="POST", path="/line-items"),
                customers=ContractCustomers(ada=ada, bo=bo, cy=cy, account=backend.account),
                lister=lister,
                rename=rename,
            )
        finally:
            await close()
            await end()
            for handle, title in renamed.items():
                medusa.rename(handle, title)
