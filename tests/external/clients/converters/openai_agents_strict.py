"""Strict mode of openai-agents."""

from agents.strict_schema import ensure_strict_json_schema
from converting import convert_all

convert_all(ensure_strict_json_schema)
