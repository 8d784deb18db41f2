"""Published schemas go through the converters of agent frameworks, and providers take them as they are."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from tests.external.clients.environments import environment
from tests.fakes.memory_backend import PHASES
from tests.programs import NODE

CONVERTERS = {
    "openai_agents_strict.py": "openai-agents",
    "pydantic_ai_profiles.py": "pydantic-ai",
    "google_genai_tools.py": "google-genai",
    "langchain_functions.py": "langchain",
    "ai_sdk_models.mjs": "ai-sdk",
}
"""Scripts in converters/, and the environment of clients that each runs in."""
FOLDER = Path(__file__).with_name("converters")
SCHEMAS = {tool.name: tool.input_schema for phase in PHASES for tool in phase.tools.values()}
TEXTS = {tool.name: tool.description for phase in PHASES for tool in phase.tools.values()}


class Subset(Struct, frozen=True, kw_only=True):
    """What a provider takes of JSON Schema in a tool's declaration, as its documentation says."""

    name: str
    """Pattern of a tool's name."""
    member: str
    """Pattern of a property's name."""
    keywords: frozenset[str]
    depth: int
    """Objects within objects."""
    description: int = 1024
    """Most characters of a tool's description."""


COMMON = {"type", "description", "properties", "required", "items", "enum", "anyOf", "minimum", "maximum"}
COMMON |= {"minItems", "maxItems", "pattern", "format", "default"}
SUBSETS = {
    # Function calling and structured outputs; `default` outside of strict mode, for which SDKs take it out.
    "OpenAI": Subset(
        name="[a-zA-Z0-9_-]{1,64}", member='[^"\\\\]{1,64}', keywords=frozenset(COMMON | {"const"}), depth=5
    ),
    # `Schema` of the Gemini API.
    "Gemini": Subset(
        name="[a-zA-Z_][a-zA-Z0-9_.-]{0,62}",
        member="[a-zA-Z_][a-zA-Z0-9_]{0,63}",
        keywords=frozenset(COMMON | {"nullable", "title", "minLength", "maxLength", "example"}),
        depth=5,
    ),
    # Draft 2020-12, but its names and its root.
    "Anthropic": Subset(
        name="[a-zA-Z0-9_-]{1,64}", member="[a-zA-Z0-9_.-]{1,64}", keywords=frozenset(COMMON | {"const"}), depth=5
    ),
}
PLAIN_TYPES = {"string", "integer", "number", "boolean"}


@pytest.mark.clients
@pytest.mark.slow
@pytest.mark.timeout(420)
@pytest.mark.parametrize("script", CONVERTERS)
def test_a_framework_converts_every_schema(script: str) -> None:
    made = environment(CONVERTERS[script])
    if script.endswith(".mjs"):
        # Node looks for packages from where a module lies.
        command = [NODE, shutil.copy(FOLDER / script, made / script)]
    else:
        command = [made / "bin" / "python", FOLDER / script]
    done = subprocess.run(command, input=json.dumps(SCHEMAS), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {}


def check_value(schema: dict[str, Any], subset: Subset, depth: int = 0) -> None:
    """That a provider takes a schema and those within: one known type each, objects with members, choices of texts."""
    assert schema.keys() <= subset.keywords
    assert depth <= subset.depth
    if schema["type"] == "object":
        # Gemini refuses all tools for an object without members, and strict modes leave it empty.
        assert schema["properties"]
        assert set(schema.get("required", ())) <= schema["properties"].keys()
        for name, member in schema["properties"].items():
            assert re.fullmatch(subset.member, name)
            check_value(member, subset, depth + 1)
    elif schema["type"] == "array":
        check_value(schema["items"], subset, depth + 1)
    else:
        assert schema["type"] in PLAIN_TYPES
        assert all(isinstance(choice, str) for choice in schema.get("enum", ()))


@pytest.mark.parametrize("tool", SCHEMAS)
@pytest.mark.parametrize("provider", SUBSETS)
def test_a_provider_takes_every_tool(provider: str, tool: str) -> None:
    subset = SUBSETS[provider]
    assert SCHEMAS[tool]["type"] == "object"
    assert "anyOf" not in SCHEMAS[tool]
    check_value(SCHEMAS[tool], subset)
    assert re.fullmatch(subset.name, tool)
    assert 0 < len(TEXTS[tool]) <= subset.description
