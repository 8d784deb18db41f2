"""What LangChain makes of a tool for models with OpenAI's interface."""

from converting import Schema, convert_all
from langchain_core.tools import StructuredTool
from langchain_core.utils.function_calling import convert_to_openai_tool


async def run(**_: object) -> str:
    return ""


def convert(schema: Schema) -> None:
    tool = StructuredTool(name="tool", description="A tool.", args_schema=schema, coroutine=run)
    for strict in (True, False):
        converted = convert_to_openai_tool(tool, strict=strict)
        assert converted["function"]["parameters"]["properties"].keys() == schema["properties"].keys()


convert_all(convert)
