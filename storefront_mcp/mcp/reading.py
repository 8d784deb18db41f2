"""Read a resource by its address."""

import logging
from typing import Final

from storefront_mcp.commerce.errors import CategoryNotFound, PageNotFound, ProductNotFound, ShopError
from storefront_mcp.mcp.asking import Asked
from storefront_mcp.mcp.jsonrpc import Code, Refused
from storefront_mcp.mcp.results import dressed
from storefront_mcp.roadmap.content import resource_contents

log: Final = logging.getLogger("storefront_mcp.mcp")
READ_TTL_MS: Final = 60_000
"""How long what was read may be kept."""


async def read_resource(asked: Asked) -> bytes:
    """The contents behind an address."""
    uri = asked.subject(asked.params.uri, "uri")
    for resource in asked.catalogue.roadmap.open_resources():
        variables = resource.match(uri)
        if variables is None:
            continue
        try:
            body = await resource.read(variables, asked.shop)
        except (ProductNotFound, PageNotFound, CategoryNotFound):
            break
        except ShopError as error:
            log.info("%s: %s: %s", resource.name, type(error).__name__, error.internal)
            raise Refused(Code.INTERNAL_ERROR, str(error), status=200) from None
        contents = [resource_contents(uri, resource.media_type, body)]
        return dressed({"contents": contents}, asked.version, asked.shop.store, ttl_ms=READ_TTL_MS)
    code = Code(asked.version.missing_resource)
    raise Refused(code, "Resource not found", details={"uri": uri})
