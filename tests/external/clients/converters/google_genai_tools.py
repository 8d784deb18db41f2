"""What google-genai makes of a tool that an MCP client session lists."""

from converting import Schema, convert_all
from google.genai import _mcp_utils
from mcp import types


def convert(schema: Schema) -> None:
    converted = _mcp_utils.mcp_to_gemini_tool(types.Tool(name="tool", description="A tool.", inputSchema=schema))
    (declared,) = converted.function_declarations
    parameters = declared.parameters_json_schema or declared.parameters.model_dump()
    assert (parameters["properties"] or {}).keys() == schema["properties"].keys()


convert_all(convert)
