"""`resources/read`."""

import logging
from typing import Final

from storefront_mcp.commerce.errors import CategoryNotFound, PageNotFound, ProductNotFound, ShopError
from storefront_mcp.mcp.jsonrpc import ErrorCode, JsonRpcError
from storefront_mcp.mcp.request import McpRequest
from storefront_mcp.mcp.results import encode_result
from storefront_mcp.tools.content import resource_contents

log: Final = logging.getLogger("storefront_mcp.mcp")
READ_TTL_MS: Final = 60_000
"""Cache time of what was read."""


async def read_resource(request: McpRequest) -> bytes:
    """`resources/read`: the contents of a URI. Raises JsonRpcError."""
    uri = request.params.require("uri")
    widget = request.prepared.open_widgets.contents(uri) if request.version.item_meta else None
    if widget is not None:
        return encode_result({"contents": [widget]}, request.version, request.shop.store, ttl_ms=READ_TTL_MS)
    for resource in request.prepared.roadmap.open_resources():
        variables = resource.match(uri)
        if variables is None:
            continue
        try:
            body = await resource.read(variables, request.shop)
        except (ProductNotFound, PageNotFound, CategoryNotFound):
            break
        except ShopError as error:
            log.info("%s: %s: %s", resource.name, error.code, error.internal)
            raise JsonRpcError(ErrorCode.INTERNAL_ERROR, str(error), status=200, details={"code": error.code}) from None
        contents = [resource_contents(uri, resource.media_type, body)]
        return encode_result({"contents": contents}, request.version, request.shop.store, ttl_ms=READ_TTL_MS)
    code = ErrorCode(request.version.resource_not_found_code)
    raise JsonRpcError(code, "Resource not found", details={"uri": uri})
