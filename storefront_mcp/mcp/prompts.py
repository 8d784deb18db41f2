"""`prompts/get`."""

import logging
from typing import Final

from msgspec import UNSET

from storefront_mcp.calls.arguments import read_arguments
from storefront_mcp.calls.errors import ArgumentsRefused
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.mcp.jsonrpc import ErrorCode, JsonRpcError
from storefront_mcp.mcp.request import McpRequest, input_required_result, missing_capability_error, tool_context
from storefront_mcp.mcp.results import prompt_result
from storefront_mcp.tools.prompt import prompt_messages
from storefront_mcp.tools.tool_context import InputRequired, MissingClientCapability

log: Final = logging.getLogger("storefront_mcp.mcp")


async def get_prompt(request: McpRequest) -> bytes:
    """`prompts/get`: the messages of a prompt for these arguments. Raises JsonRpcError."""
    name = request.params.require("name")
    prompt = next((prompt for prompt in request.prepared.roadmap.open_prompts() if prompt.name == name), None)
    if prompt is None:
        raise JsonRpcError(ErrorCode.INVALID_PARAMS, f"Unknown prompt: {name[:64]}")
    try:
        arguments = read_arguments(
            None if request.params.arguments is UNSET else request.params.arguments, prompt.shape
        )
        context = (tool_context(request, name),) if prompt.wants_context else ()
        rendered = await prompt.render(arguments, request.shop, *context)
    except ArgumentsRefused as error:
        raise JsonRpcError(ErrorCode.INVALID_PARAMS, str(error), details={"code": error.code}) from None
    except MissingClientCapability as error:
        raise missing_capability_error(error, request.version) from None
    except ShopError as error:
        log.info("%s: %s: %s", name, error.code, error.internal)
        raise JsonRpcError(ErrorCode.INTERNAL_ERROR, str(error), status=200, details={"code": error.code}) from None
    if isinstance(rendered, InputRequired):
        return input_required_result(request, name, rendered)
    return prompt_result(prompt.description, prompt_messages(rendered), request.version, request.shop.store)
