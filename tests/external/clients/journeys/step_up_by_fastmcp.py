"""Ask for orders and then for more with fastmcp, which opens a browser.   argv: URL"""

import asyncio
import json
import sys

from fastmcp import Client


async def main(url: str) -> None:
    async with Client(url, auth="oauth") as client:
        orders = await client.call_tool("get_customer_orders", {})
        try:
            result = await client.call_tool("list_addresses", {}, raise_on_error=False)
        except Exception:  # noqa: BLE001 -- each version has another one
            more = "refused"
        else:
            more = "refused" if result.is_error else "answered"
    sys.stdout.write(json.dumps({"orders": json.loads(orders.content[0].text), "more": more}) + "\n")


asyncio.run(main(*sys.argv[1:]))
