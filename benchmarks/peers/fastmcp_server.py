"""FastMCP 4, stateless and with JSON answers: `fastmcp_server.py typed|dict PORT`."""

import sys
from typing import Any

import uvicorn
from catalogue import asked, shop
from fastmcp import FastMCP
from models import SearchResult

server = FastMCP("bench", lifespan=shop)


async def typed(query: str = "", page_size: int = 10) -> SearchResult:
    """Search the shop's products by words."""
    return SearchResult.model_validate(await asked(query, page_size))


async def as_dict(query: str = "", page_size: int = 10) -> dict[str, Any]:
    """Search the shop's products by words."""
    return await asked(query, page_size)


if __name__ == "__main__":
    mode, port = sys.argv[1:]
    server.tool({"typed": typed, "dict": as_dict}[mode], name="search_products")
    uvicorn.run(
        server.http_app(stateless_http=True, json_response=True),
        port=int(port),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
