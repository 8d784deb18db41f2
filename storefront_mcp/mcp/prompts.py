"""Fill in a prompt."""

import logging
from typing import Final

from msgspec import UNSET

from storefront_mcp.calls.arguments import read_arguments
from storefront_mcp.calls.errors import ArgumentsRefused
from storefront_mcp.commerce.errors import ShopError
from storefront_mcp.mcp.asking import Asked, asked_back, capability_missing, line_to_client
from storefront_mcp.mcp.jsonrpc import Code, Refused
from storefront_mcp.mcp.results import prompt_result
from storefront_mcp.roadmap.conversation import Ask, CapabilityNeeded
from storefront_mcp.roadmap.prompt import spoken

log: Final = logging.getLogger("storefront_mcp.mcp")


async def get_prompt(asked: Asked) -> bytes:
    """A prompt's messages, with its blanks filled in."""
    name = asked.subject(asked.params.name, "name")
    prompt = next((prompt for prompt in asked.catalogue.roadmap.open_prompts() if prompt.name == name), None)
    if prompt is None:
        raise Refused(Code.INVALID_PARAMS, f"Unknown prompt: {name[:64]}")
    try:
        arguments = read_arguments(None if asked.params.arguments is UNSET else asked.params.arguments, prompt.shape)
        line = (line_to_client(asked, name),) if prompt.talks else ()
        rendered = await prompt.render(arguments, asked.shop, *line)
    except ArgumentsRefused as error:
        raise Refused(Code.INVALID_PARAMS, str(error)) from None
    except CapabilityNeeded as error:
        raise capability_missing(error, asked.version) from None
    except ShopError as error:
        log.info("%s: %s: %s", name, type(error).__name__, error.internal)
        raise Refused(Code.INTERNAL_ERROR, str(error), status=200) from None
    if isinstance(rendered, Ask):
        return asked_back(asked, name, rendered)
    return prompt_result(prompt.description, spoken(rendered), asked.version, asked.shop.store)
