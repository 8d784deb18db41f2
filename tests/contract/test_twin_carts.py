"""Dry runs whose scratch carts are cleared behind the answer: nothing stays in the shop, whenever the process ends."""

import asyncio
from collections.abc import Sequence

import httpx
import pytest

from storefront_mcp.backends.maho import MahoBackend, MahoConfig, connect
from storefront_mcp.commerce.ids import CartId
from storefront_mcp.records.scratch_carts import ScratchCartNote
from tests.contract.test_order_previews import AUSTRALIAN, PERSONAL, filled
from tests.contract.test_shop_calls import CountingTransport
from tests.fakes.demo_shop import ControlledShop, demo_shop

CONFIG = MahoConfig(url="http://demo.example", prices_include_tax=True)


class MemoryLedger:
    """What two processes share; everything on it counts as left."""

    def __init__(self, *, works: bool = True) -> None:
        self.notes: dict[CartId, ScratchCartNote] = {}
        self.works = works

    async def note(self, note: ScratchCartNote) -> bool:
        if self.works:
            self.notes[note.cart] = note
        return self.works

    async def forget(self, cart: CartId) -> None:
        self.notes.pop(cart, None)

    async def list_left(self) -> Sequence[ScratchCartNote]:
        return list(self.notes.values())


def is_clean(shop: ControlledShop, cart: CartId) -> bool:
    """Whether only the buyer's own cart has lines, and none anything personal."""
    others = [other for id_, other in shop.state.carts.items() if id_ != cart]
    return not any(other.lines for other in others) and not any(
        word in str(one) for one in shop.state.carts.values() for word in PERSONAL
    )


async def opened(shop: ControlledShop, ledger: MemoryLedger) -> tuple[MahoBackend, CountingTransport, CartId]:
    transport = CountingTransport(shop)
    backend, _ = connect(CONFIG, "AUD", transport=transport, ledger=ledger)
    cart = await filled(backend, "JAR-DILL")
    await backend.preview_order(cart, AUSTRALIAN)
    await backend.close()
    transport.reset()
    return backend, transport, cart


async def test_an_answer_waits_for_no_clearing_and_nothing_is_left_when_all_is_done() -> None:
    shop, ledger = demo_shop(), MemoryLedger()
    backend, transport, cart = await opened(shop, ledger)
    await backend.preview_order(cart, AUSTRALIAN)

    waits, calls = transport.waits, list(transport.calls)
    assert not is_clean(shop, cart), "it is cleared behind the answer"
    assert ledger.notes
    await backend.close()
    assert is_clean(shop, cart)
    assert ledger.notes == {}
    assert not [call for call in calls if call.startswith("DELETE")]
    assert waits <= 7 + 1, (waits, calls)
    assert len(transport.calls) - len(calls) == 3 + 1, transport.calls


@pytest.mark.parametrize("after", range(1, 12))
async def test_what_a_process_leaves_that_dies_at_any_request_the_next_one_clears(after: int) -> None:
    shop, ledger = demo_shop(), MemoryLedger()
    backend, transport, cart = await opened(shop, ledger)
    died = asyncio.Event()
    handle = transport.handle_async_request

    async def counted(request: httpx.Request) -> httpx.Response:
        if len(transport.calls) >= after:
            died.set()
            await asyncio.Event().wait()
        return await handle(request)

    transport.handle_async_request = counted  # type: ignore[method-assign]
    doomed = asyncio.create_task(backend.preview_order(cart, AUSTRALIAN))
    await asyncio.wait([doomed, asyncio.create_task(died.wait())], return_when=asyncio.FIRST_COMPLETED)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await asyncio.gather(doomed, return_exceptions=True)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()

    heir, close = connect(CONFIG, "AUD", transport=httpx.ASGITransport(shop), ledger=ledger)
    await heir.clear_left_carts()
    await close()
    assert is_clean(shop, cart)
    assert ledger.notes == {}


async def test_without_a_record_a_twin_is_cleared_before_the_answer() -> None:
    shop, ledger = demo_shop(), MemoryLedger(works=False)
    backend, _, cart = await opened(shop, ledger)
    await backend.preview_order(cart, AUSTRALIAN)

    assert is_clean(shop, cart)


async def test_a_twin_that_the_shop_has_lost_is_forgotten() -> None:
    shop, ledger = demo_shop(), MemoryLedger()
    gone = CartId("f" * 32)
    await ledger.note(ScratchCartNote(cart=gone, country="AU"))
    backend, close = connect(CONFIG, "AUD", transport=httpx.ASGITransport(shop), ledger=ledger)
    await backend.clear_left_carts()
    await close()

    assert ledger.notes == {}


async def test_a_shop_that_is_down_keeps_what_is_to_be_cleared_on_record() -> None:
    ledger = MemoryLedger()
    note = ScratchCartNote(cart=CartId("e" * 32), country="AU")
    await ledger.note(note)
    down = httpx.MockTransport(lambda _: httpx.Response(503))
    backend, close = connect(CONFIG, "AUD", transport=down, ledger=ledger)
    await backend.clear_left_carts()
    await close()

    assert await ledger.list_left() == [note]
