"""The phase that docs/writing-a-phase.md shows can be loaded, opened and called."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import httpx
import msgspec
import pytest

from storefront_mcp import phases
from storefront_mcp.access.caller import GUEST
from storefront_mcp.app import server_identity
from storefront_mcp.backends.maho import MahoConfig, connect
from storefront_mcp.calls.errors import ToolNotOpen
from storefront_mcp.calls.pipeline import ToolCall, run_call
from storefront_mcp.commerce.errors import PageNotFound
from storefront_mcp.commerce.guest_carts import GuestCarts
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.database.cart_handles import SqlCartHandleRepository
from storefront_mcp.database.engine import Database, utc_now
from storefront_mcp.demo.shop import demo_shop
from storefront_mcp.roadmap.loading import load_phases
from storefront_mcp.roadmap.roadmap import Phase, Roadmap
from storefront_mcp.settings.demo import demo_settings
from tests.guards.docs.markdown import ROOT, blocks

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs" / "writing-a-phase.md"


@pytest.fixture
def written(tmp_path: Path) -> Iterator[tuple[Phase, ...]]:
    """Our phases and the one of the page."""
    for block in blocks(PAGE):
        if block.file is not None:
            file = tmp_path / block.file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
    package = ModuleType("written_phases")
    package.__path__ = [*phases.__path__, str(tmp_path / "phases")]
    sys.modules[package.__name__] = package
    yield load_phases(package)
    for name in [name for name in sys.modules if name.partition(".")[0] == package.__name__]:
        del sys.modules[name]


@pytest.fixture
async def shop(tmp_path: Path) -> Shop:
    """The demo shop."""
    settings = demo_settings(8000, state=tmp_path).stores[0]
    backend, _ = connect(MahoConfig(url="http://demo.invalid"), "AUD", transport=httpx.ASGITransport(demo_shop()))  # type: ignore[arg-type]
    carts = GuestCarts(
        settings.id, backend, SqlCartHandleRepository(Database(tmp_path / "carts.db"), now=utc_now), now=utc_now
    )
    return Shop(settings.store(server_identity(settings)), backend, carts)


async def test_the_example_is_a_phase_that_opens_and_answers(written: tuple[Phase, ...], shop: Shop) -> None:
    planned = Roadmap(version=0, phases=written, as_of=utc_now().date())
    opened = planned.with_status({"p1_browse": "active", "p5_care": "active"})

    def ask(page: str, roadmap: Roadmap) -> ToolCall:
        arguments = msgspec.Raw(msgspec.json.encode({"page": page}))
        return ToolCall(tool="get_policy", arguments=arguments, caller=GUEST, roadmap=roadmap, shop=shop)

    assert written[-1].delivered
    told = await run_call(ask("returns", opened))
    assert told.title
    assert told.text
    with pytest.raises(PageNotFound):
        await run_call(ask("no-such-page", opened))
    with pytest.raises(ToolNotOpen):
        await run_call(ask("returns", planned))
