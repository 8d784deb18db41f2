"""Read a tool's arguments: forgiving where nothing can be meant otherwise, precise where something can."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Raw, Struct, inspect

from storefront_mcp.calls.errors import ArgumentsRefused

A = TypeVar("A", bound=Struct)

PATH: Final = re.compile(r" - at `(?:key in )?\$([^`]*)`$")
STEP: Final = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
FIELD: Final = re.compile(r"^Object (missing required|contains unknown) field `(.*)`$", re.DOTALL)
WORDS: Final = {"str": "string", "int": "integer", "bool": "boolean", "float": "number"}
SHOWN: Final = 60
"""Characters of a wrong value or name that an error repeats."""
UNREADABLE: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
"""What decoding raises for bytes that are no JSON text, or hold more than we want to hold."""


def read_arguments(raw: Raw | bytes | None, shape: type[A]) -> A:
    """Decode arguments into `shape`. Raises ArgumentsRefused.

    What fits is decoded as it is. What does not is mended where that is safe: "2" for 2, 2000 for "2000", one value for
    a list of one, null for "left out", another case of a fixed word, an object sent as its JSON text.
    """
    try:
        try:
            read: A = _decoder(shape).decode(raw or b"{}")
        except msgspec.ValidationError:
            sent = msgspec.json.decode(raw or b"{}")
        else:
            return read
    except UNREADABLE:
        message = "arguments: wanted a JSON object, not nested too deeply and with numbers of a sane size"
        raise ArgumentsRefused(message) from None
    if isinstance(sent, str):
        sent = _parsed(sent)
    if sent is None:
        sent = {}
    if not isinstance(sent, dict):
        message = f"arguments: wanted an object, got {_shown(sent)}"
        raise ArgumentsRefused(message)
    try:
        return msgspec.convert(_mended(sent, inspect.type_info(shape)), shape, strict=False)
    except msgspec.ValidationError as error:
        raise ArgumentsRefused(_explained(str(error), sent, shape)) from None


@cache
def _decoder(shape: type[Struct]) -> msgspec.json.Decoder[Any]:
    """Made once per tool."""
    return msgspec.json.Decoder(shape)


def _parsed(text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except UNREADABLE:
        return text


def _mended(value: Any, wanted: inspect.Type) -> Any:  # noqa: ANN401 -- JSON in, JSON out
    match _bare(wanted):
        case inspect.StructType() as wanted if isinstance(value, dict):
            return _mended_fields(value, wanted)
        case inspect.DictType() as wanted if isinstance(value, dict):
            return {key: _mended(member, wanted.value_type) for key, member in value.items()}
        case inspect.StructType() as wanted if isinstance(value, str) and isinstance(inner := _parsed(value), dict):
            return _mended_fields(inner, wanted)
        case inspect.ListType() | inspect.VarTupleType() as wanted:
            members = value if isinstance(value, list) else [value]
            return [_mended(member, wanted.item_type) for member in members]
        case inspect.UnionType() as wanted:
            return _mended_choice(value, wanted)
        case plain:
            return _mended_plain(value, plain)


def _mended_plain(value: Any, wanted: inspect.Type) -> Any:  # noqa: ANN401 -- as above
    match wanted:
        case inspect.StrType() if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        case inspect.LiteralType() as wanted if isinstance(value, str):
            return next((word for word in wanted.values if str(word).lower() == value.strip().lower()), value)
        case inspect.IntType() if isinstance(value, str):
            return value.strip()
        case _:
            return value


def _mended_fields(sent: Mapping[str, Any], wanted: inspect.StructType) -> dict[str, Any]:
    fields = {field.encode_name: field for field in wanted.fields}
    return {
        name: _mended(value, fields[name].type) if name in fields else value
        for name, value in sent.items()
        if not (value is None and name in fields and not fields[name].required)
    }


def _mended_choice(value: Any, wanted: inspect.UnionType) -> Any:  # noqa: ANN401 -- as above
    """A union takes what it lists; a list goes to its list kind, anything else to the first kind that mends it."""
    if value is None:
        return value
    lists = [kind for kind in wanted.types if isinstance(_bare(kind), inspect.ListType | inspect.VarTupleType)]
    others = [kind for kind in wanted.types if kind not in lists]
    for kind in lists if isinstance(value, list) else others:
        mended = _mended(value, kind)
        if mended is not value:
            return mended
    return value


def _bare(kind: inspect.Type) -> inspect.Type:
    """A kind without the description around it."""
    return kind.type if isinstance(kind, inspect.Metadata) else kind


def _explained(complaint: str, sent: Mapping[str, Any], shape: type[Struct]) -> str:
    """A decoder's complaint as a sentence for a model: field, what came, what is wanted."""
    at = PATH.search(complaint)
    path = at.group(1) if at else ""
    what = PATH.sub("", complaint)
    if field := FIELD.match(what):
        if field.group(1) == "missing required":
            return _about_missing(f"{path}.{field.group(2)}".removeprefix("."), sent, shape)
        return _about_unknown(path, field.group(2), shape)
    name = path.removeprefix(".").replace(".[...]", "").replace("[...]", "") or "arguments"
    found, value = _at(sent, path)
    return f"{name}: {_wanted(what, path, shape)}" + (f", got {_shown(value)}" if found and path else "")


def _wanted(what: str, path: str, shape: type[Struct]) -> str:
    """What should have come, in JSON's words."""
    kind = _kind_at(path, shape)
    if isinstance(kind, inspect.LiteralType):
        return f"wanted one of {', '.join(map(str, kind.values))}"
    sentence = re.sub(r", got `.*`$", "", what).replace("Expected", "wanted").replace("`", "").replace(" | null", "")
    for python, json in WORDS.items():
        sentence = re.sub(rf"\b{python}\b", json, sentence)
    return sentence[:1].lower() + sentence[1:]


def _about_missing(first: str, sent: Mapping[str, Any], shape: type[Struct]) -> str:
    """All that is missing at once, so that the next call can be complete; `first` is what the decoder stopped at."""
    names = list(_missing(sent, inspect.type_info(shape)))
    if len(names) < 2 or first not in names:  # noqa: PLR2004 -- singular and plural
        return f"{first}: is required and was not sent"
    return f"{', '.join(names)}: are required and were not sent"


def _missing(sent: Any, wanted: inspect.Type, path: str = "") -> Iterator[str]:  # noqa: ANN401 -- any JSON
    """Required fields that are not there, within all the objects that are."""
    kind = _not_null(_bare(wanted))
    value = _parsed(sent) if isinstance(sent, str) else sent
    if not isinstance(kind, inspect.StructType) or not isinstance(value, Mapping):
        return
    for field in kind.fields:
        if field.encode_name in value:
            yield from _missing(value[field.encode_name], field.type, f"{path}{field.encode_name}.")
        elif field.required:
            yield f"{path}{field.encode_name}"


def _about_unknown(path: str, name: str, shape: type[Struct]) -> str:
    name = _cut(name)
    full = f"{path}.{name}".removeprefix(".")
    known = _names_at(path, shape)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    guess = f" Did you mean {close[0]}?" if close else ""
    listed = f"the arguments are {', '.join(known)}" if known else "none are taken"
    return f"{full}: there is no such argument; {listed}.{guess}"


def _names_at(path: str, shape: type[Struct]) -> Sequence[str]:
    """Field names of the struct that a path leads to."""
    kind = _kind_at(path, shape)
    return [field.encode_name for field in kind.fields] if isinstance(kind, inspect.StructType) else []


def _kind_at(path: str, shape: type[Struct]) -> inspect.Type | None:
    """What a path of field names leads to; None below lists and objects of free keys."""
    kind: inspect.Type | None = inspect.type_info(shape)
    for name, _ in STEP.findall(path):
        fields = kind.fields if isinstance(kind, inspect.StructType) else ()
        kind = next((_bare(field.type) for field in fields if field.encode_name == name), None)
        kind = _not_null(kind)
    return kind


def _not_null(kind: inspect.Type | None) -> inspect.Type | None:
    """The kind of a value that is there: the first of a union that is not null."""
    if not isinstance(kind, inspect.UnionType):
        return kind
    return next((_bare(choice) for choice in kind.types if not isinstance(choice, inspect.NoneType)), None)


def _at(sent: Any, path: str) -> tuple[bool, Any]:  # noqa: ANN401 -- any JSON
    """Whether there is something at a path, and what."""
    current = sent
    for name, index in STEP.findall(path):
        try:
            current = current[int(index)] if index else current[name]
        except (KeyError, IndexError, TypeError):
            return False, None
    return "[...]" not in path, current


def _shown(value: Any) -> str:  # noqa: ANN401 -- any JSON
    try:
        return _cut(msgspec.json.encode(value).decode())
    except RecursionError:
        return "something nested too deeply"


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"
