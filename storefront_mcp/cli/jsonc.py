"""JSON with comments and trailing commas: reading, and setting one member without changing the rest of the text."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

GAP_PATTERN: Final = re.compile(r"(?:[ \t\r\n]|//[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
"""Whitespace and comments between two tokens."""
TRAILING_COMMENT_PATTERN: Final = re.compile(r"[ \t]*(?://[^\r\n]*|/\*[^\r\n]*?\*/)")
STRING_PATTERN: Final = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
SCALAR_PATTERN: Final = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null")
BLANKS: Final = " \t\r\n"
MAX_DEPTH: Final = 200


class NotJson(Exception):
    """The text is not JSON with comments; the message says where."""


class JsonNode(Struct, frozen=True):
    """A value and its position in the text."""

    start: int
    end: int
    value: Any
    members: "Mapping[str, JsonNode] | None" = None
    """Of an object; the last of duplicate keys counts."""
    comma: int | None = None
    """Position after an object's trailing comma."""


def read_json(text: str) -> JsonNode:
    """Parse a whole text; an empty text is an empty object. Raises NotJson."""
    start = _skip_gap(text, 0)
    if start == len(text):
        return JsonNode(start, start, {}, {})
    node = _parse_value(text, start, 0)
    if (end := _skip_gap(text, node.end)) != len(text):
        raise _not_json(text, end)
    return node


def with_member(text: str, section: str, name: str, value: object) -> str:
    """The text with member `name` of object `section` set to `value`; everything else stays as it is written.

    An existing section must be an object. Raises NotJson.
    """
    root = read_json(text)
    indent = _indent(text, root)
    if root.start == root.end:
        # A comment at the end of an otherwise empty text would swallow what follows on its line.
        break_line = "\n" if text.strip(BLANKS) and not text.endswith("\n") else ""
        return text + break_line + json.dumps({section: {name: value}}, indent=indent, ensure_ascii=False) + "\n"
    if section not in (root.members or {}):
        return _with_new(text, root, section, {name: value}, indent=indent, depth=1)
    inside = (root.members or {})[section]
    old = (inside.members or {}).get(name)
    if old is None:
        return _with_new(text, inside, name, value, indent=indent, depth=2)
    return text[: old.start] + _rendered_json(value, indent, 2) + text[old.end :]


def _with_new(text: str, inside: JsonNode, key: str, value: object, *, indent: str, depth: int) -> str:
    """The text with a member appended to an object whose members are indented by `depth` levels."""
    member = f"{json.dumps(key, ensure_ascii=False)}: {_rendered_json(value, indent, depth)}"
    line = "\n" + indent * depth
    if not inside.members:
        # Comments in an empty object stay.
        opened = text[: inside.end - 1].rstrip(BLANKS)
        return f"{opened}{line}{member}\n{indent * (depth - 1)}{text[inside.end - 1 :]}"
    last = max(node.end for node in inside.members.values())
    comma, behind = ("", inside.comma) if inside.comma is not None else (",", last)
    if "\n" not in text[inside.start : last]:
        flat = f"{json.dumps(key, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}"
        return f"{text[:behind]}{comma} {flat}{text[behind:]}"
    comment = TRAILING_COMMENT_PATTERN.match(text, behind)
    after = comment.end() if comment else behind
    return f"{text[:behind]}{comma}{text[behind:after]}{line}{member}{text[after:]}"


def _indent(text: str, root: JsonNode) -> str:
    """The indentation of the first member, or two spaces."""
    key = _skip_gap(text, root.start + 1)
    line = text.rfind("\n", root.start, key) + 1
    before = text[line:key]
    return before if line and before and not before.strip(" \t") else "  "


def _rendered_json(value: object, indent: str, depth: int) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=False).replace("\n", "\n" + indent * depth)


def _parse_value(text: str, start: int, depth: int) -> JsonNode:
    if depth > MAX_DEPTH:
        raise NotJson("it is nested too deeply")
    opening = text[start : start + 1]
    if opening == "{":
        return _parse_object(text, start, depth)
    if opening == "[":
        return _parse_array(text, start, depth)
    found = (STRING_PATTERN if opening == '"' else SCALAR_PATTERN).match(text, start)
    if found is None:
        raise _not_json(text, start)
    try:
        return JsonNode(start, found.end(), json.loads(found[0]))
    except ValueError:
        raise _not_json(text, start) from None


def _parse_object(text: str, start: int, depth: int) -> JsonNode:
    members: dict[str, JsonNode] = {}
    comma = None
    position = _skip_gap(text, start + 1)
    while text[position : position + 1] != "}":
        if text[position : position + 1] != '"':
            raise _not_json(text, position)
        key = _parse_value(text, position, depth)
        position = _expect(text, _skip_gap(text, key.end), ":")
        value = _parse_value(text, _skip_gap(text, position), depth + 1)
        members[key.value] = value
        comma, position = _skip_comma(text, value.end, "}")
    return JsonNode(start, position + 1, {key: node.value for key, node in members.items()}, members, comma)


def _parse_array(text: str, start: int, depth: int) -> JsonNode:
    items: list[Any] = []
    position = _skip_gap(text, start + 1)
    while text[position : position + 1] != "]":
        item = _parse_value(text, position, depth + 1)
        items.append(item.value)
        _, position = _skip_comma(text, item.end, "]")
    return JsonNode(start, position + 1, items)


def _skip_comma(text: str, end: int, closing: str) -> tuple[int | None, int]:
    """The position after the comma behind a member, if any, and that of the next token; allows a trailing comma."""
    position = _skip_gap(text, end)
    if text[position : position + 1] == closing:
        return None, position
    comma = _expect(text, position, ",")
    return comma, _skip_gap(text, comma)


def _expect(text: str, position: int, mark: str) -> int:
    if text[position : position + 1] != mark:
        raise _not_json(text, position)
    return position + 1


def _skip_gap(text: str, position: int) -> int:
    found = GAP_PATTERN.match(text, position)
    return found.end() if found else position


def _not_json(text: str, position: int) -> NotJson:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    return NotJson(f"line {line}, column {column}: this is not JSON")
