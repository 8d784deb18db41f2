"""What pydantic-ai sends to OpenAI and to Gemini, strict where it can be."""

from converting import Schema, convert_all
from pydantic_ai.profiles.google import GoogleJsonSchemaTransformer
from pydantic_ai.profiles.openai import OpenAIJsonSchemaTransformer


def convert_for_openai(schema: Schema) -> None:
    for strict in (True, False, None):
        converted = OpenAIJsonSchemaTransformer(schema, strict=strict).walk()
        assert converted["properties"].keys() == schema["properties"].keys()


def convert_for_gemini(schema: Schema) -> None:
    converted = GoogleJsonSchemaTransformer(schema, strict=None).walk()
    assert converted["properties"].keys() == schema["properties"].keys()


convert_all(convert_for_openai, convert_for_gemini)
