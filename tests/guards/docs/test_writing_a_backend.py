"""The backend that docs/writing-a-backend.md shows passes the contract of every backend."""

import importlib
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.contract.questions import QUESTIONS
from tests.contract.shops import Opener
from tests.contract.shops.contract_shop import ContractShop
from tests.fakes.toy_shop import ToyShop
from tests.guards.docs.markdown import ROOT, blocks

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs" / "writing-a-backend.md"

globals().update(QUESTIONS)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opener]:
    """What opens the shop of the page."""
    folder = tmp_path_factory.mktemp("written")
    names = set()
    for block in blocks(PAGE):
        if block.file is not None:
            file = folder / block.file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
            names.add(Path(block.file).parts[0].removesuffix(".py"))
    sys.path.insert(0, str(folder))
    yield importlib.import_module("toy_contract").open_shop
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] in names]:
        del sys.modules[name]


@pytest.fixture
async def every(written: Opener) -> AsyncIterator[ContractShop]:
    """The one shop there is here."""
    async with written() as opened:
        yield opened


async def test_the_toy_shop_describes_every_call_that_the_page_makes() -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(ToyShop()), base_url="http://toy") as client:
        described = set((await client.get("/openapi.json")).json()["paths"])

    code = "".join(block.text for block in blocks(PAGE) if block.file == "toy/__init__.py")
    for path in described:
        assert path.partition("{")[0].rstrip("/") in code, path
    assert {"/carts/{cart}/lines/{sku}", "/orders/{number}/paid", "/facts"} <= described
