"""JSON as people keep it in settings files: read with its comments, and changed in one place and nowhere else."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

GAP: Final = re.compile(r"(?:[ \t\r\n]|//[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
"""What may stand between two tokens; comments are what editors allow in settings (JSON with comments)."""
REST_OF_LINE: Final = re.compile(r"[ \t]*(?://[^\r\n]*|/\*[^\r\n]*?\*/)")
STRING: Final = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
SCALAR: Final = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null")
BLANK: Final = " \t\r\n"
DEEPEST: Final = 200


class NotJson(Exception):
    """The text is not JSON, with or without comments; the message says where."""


class Node(Struct, frozen=True):
    """A value, and where it stands in the text."""

    start: int
    end: int
    value: Any
    members: "Mapping[str, Node] | None" = None
    """Of an object; of keys that are there twice the last one counts."""
    comma: int | None = None
    """Behind an object's last comma, where no member follows it."""


def read_json(text: str) -> Node:
    """The value of a whole text; nothing at all is an empty object. Raises NotJson."""
    start = _gap(text, 0)
    if start == len(text):
        return Node(start, start, {}, {})
    node = _value(text, start, 0)
    if (end := _gap(text, node.end)) != len(text):
        raise _not_json(text, end)
    return node


def with_member(text: str, section: str, name: str, value: object) -> str:
    """The text of an object with `{section: {name: value}}` in it; everything else stays as it is written.

    The section must be an object where it is there. Raises NotJson.
    """
    root = read_json(text)
    indent = _indent(text, root)
    if root.start == root.end:
        # A comment at the end of an otherwise empty text would swallow what follows on its line.
        break_line = "\n" if text.strip(BLANK) and not text.endswith("\n") else ""
        return text + break_line + json.dumps({section: {name: value}}, indent=indent, ensure_ascii=False) + "\n"
    if section not in (root.members or {}):
        return _with_new(text, root, section, {name: value}, indent=indent, depth=1)
    inside = (root.members or {})[section]
    old = (inside.members or {}).get(name)
    if old is None:
        return _with_new(text, inside, name, value, indent=indent, depth=2)
    return text[: old.start] + _written(value, indent, 2) + text[old.end :]


def _with_new(text: str, inside: Node, key: str, value: object, *, indent: str, depth: int) -> str:
    """The text with one more member at the end of an object whose members are `depth` levels in."""
    member = f"{json.dumps(key, ensure_ascii=False)}: {_written(value, indent, depth)}"
    line = "\n" + indent * depth
    if not inside.members:
        # Comments in an empty object stay.
        opened = text[: inside.end - 1].rstrip(BLANK)
        return f"{opened}{line}{member}\n{indent * (depth - 1)}{text[inside.end - 1 :]}"
    last = max(node.end for node in inside.members.values())
    comma, behind = ("", inside.comma) if inside.comma is not None else (",", last)
    if "\n" not in text[inside.start : last]:
        flat = f"{json.dumps(key, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}"
        return f"{text[:behind]}{comma} {flat}{text[behind:]}"
    remark = REST_OF_LINE.match(text, behind)
    after = remark.end() if remark else behind
    return f"{text[:behind]}{comma}{text[behind:after]}{line}{member}{text[after:]}"


def _indent(text: str, root: Node) -> str:
    """What stands before the first member on its line, or two spaces."""
    key = _gap(text, root.start + 1)
    line = text.rfind("\n", root.start, key) + 1
    before = text[line:key]
    return before if line and before and not before.strip(" \t") else "  "


def _written(value: object, indent: str, depth: int) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=False).replace("\n", "\n" + indent * depth)


def _value(text: str, start: int, depth: int) -> Node:
    if depth > DEEPEST:
        raise NotJson("it is nested too deeply")
    opening = text[start : start + 1]
    if opening == "{":
        return _object(text, start, depth)
    if opening == "[":
        return _array(text, start, depth)
    found = (STRING if opening == '"' else SCALAR).match(text, start)
    if found is None:
        raise _not_json(text, start)
    try:
        return Node(start, found.end(), json.loads(found[0]))
    except ValueError:
        raise _not_json(text, start) from None


def _object(text: str, start: int, depth: int) -> Node:
    members: dict[str, Node] = {}
    comma = None
    place = _gap(text, start + 1)
    while text[place : place + 1] != "}":
        if text[place : place + 1] != '"':
            raise _not_json(text, place)
        key = _value(text, place, depth)
        place = _expected(text, _gap(text, key.end), ":")
        value = _value(text, _gap(text, place), depth + 1)
        members[key.value] = value
        comma, place = _next(text, value.end, "}")
    return Node(start, place + 1, {key: node.value for key, node in members.items()}, members, comma)


def _array(text: str, start: int, depth: int) -> Node:
    items: list[Any] = []
    place = _gap(text, start + 1)
    while text[place : place + 1] != "]":
        item = _value(text, place, depth + 1)
        items.append(item.value)
        _, place = _next(text, item.end, "]")
    return Node(start, place + 1, items)


def _next(text: str, end: int, closing: str) -> tuple[int | None, int]:
    """Behind the comma after a member, if there is one, and where the next token begins; a last comma is forgiven."""
    place = _gap(text, end)
    if text[place : place + 1] == closing:
        return None, place
    comma = _expected(text, place, ",")
    return comma, _gap(text, comma)


def _expected(text: str, place: int, mark: str) -> int:
    if text[place : place + 1] != mark:
        raise _not_json(text, place)
    return place + 1


def _gap(text: str, place: int) -> int:
    found = GAP.match(text, place)
    return found.end() if found else place


def _not_json(text: str, place: int) -> NotJson:
    line = text.count("\n", 0, place) + 1
    column = place - text.rfind("\n", 0, place)
    return NotJson(f"line {line}, column {column}: this is not JSON")
