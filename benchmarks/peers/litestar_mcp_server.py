"""litestar-mcp, with results typed by msgspec: `litestar_mcp_server.py PORT`."""

import sys
from typing import Annotated

import msgspec
import uvicorn
from catalogue import asked, shop
from litestar import Litestar, get
from litestar.params import Parameter
from litestar_mcp import LitestarMCP, MCPToolResult


class Money(msgspec.Struct):
    """An amount in minor units."""

    minor: int
    currency: str


class ProductSummary(msgspec.Struct, omit_defaults=True):
    """A product in a list."""

    sku: str
    name: str
    price: Money
    list_price: Money | None = None
    choose: str | None = None


class SearchResult(msgspec.Struct, omit_defaults=True):
    """One page of products."""

    products: list[ProductSummary]
    total: int | None = None


@get("/search", mcp_tool="search_products")
async def search_products(words: Annotated[str, Parameter(query="query")] = "", page_size: int = 10) -> MCPToolResult:
    """Search the shop's products by words; `query` itself is a name that Litestar keeps for itself."""
    found = msgspec.convert(await asked(words, page_size), SearchResult)
    return MCPToolResult(found, found)


if __name__ == "__main__":
    uvicorn.run(
        Litestar([search_products], plugins=[LitestarMCP()], lifespan=[shop]),
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
