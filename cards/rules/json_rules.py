"""Validation rules for JSON documents: a member, its constraint, and the setting that its value comes from."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import DocumentIssue, DocumentValidator
from storefront_mcp.roadmap.roadmap import Roadmap

Rule = Callable[[Any, Store, Roadmap], Iterable[DocumentIssue]]
"""(decoded object, store, roadmap) → its issues."""

OUR_FAULT_TEXT: Final = "No setting makes this: update storefront-mcp, or report it."
MAX_QUOTED_CHARS: Final = 80
"""Of a value, in an issue's text."""


class ValueConstraint(Struct, frozen=True):
    """What a value has to be; `words` complete "readers want …" and "set it to …". `holds` takes any value at all."""

    words: str
    holds: Callable[[Any, Store, Roadmap], bool]


class MemberRule(Struct, frozen=True):
    """A rule for `host.displayName`, or for `remotes[].url`: a member of each item of a list that is not empty."""

    at: str
    wants: ValueConstraint
    setting: str | None = None
    """Where its value comes from; None where no operator chooses it."""
    optional: bool = False

    def __call__(self, document: Any, store: Store, roadmap: Roadmap) -> Iterator[DocumentIssue]:  # noqa: ANN401 -- JSON
        """Yield an issue for each value that breaks the constraint."""
        for path, value in _values_at(document, self.at.split("."), ""):
            if value is msgspec.UNSET and self.optional:
                continue
            if value is msgspec.UNSET or not self.wants.holds(value, store, roadmap):
                yield issue(path, value, self.wants.words, self.setting)


def issue(what: str, value: Any, wanted: str, setting: str | None = None) -> DocumentIssue:  # noqa: ANN401 -- JSON
    """The issue that `what` breaks a constraint; `msgspec.UNSET` stands for a missing value."""
    found = "is missing" if value is msgspec.UNSET else f"is {quoted_json(value)}"
    if setting is None:
        return DocumentIssue(f"{what} {found}; readers want {wanted}.", OUR_FAULT_TEXT)
    return DocumentIssue(f"{what} {found}.", f"Set {setting} to {wanted}.")


def quoted_json(value: Any) -> str:  # noqa: ANN401 -- JSON
    """A value as JSON, shortened to fit into a sentence."""
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= MAX_QUOTED_CHARS else f"{text[:MAX_QUOTED_CHARS]}…"


def json_validator(*rules: Rule) -> DocumentValidator:
    """A validator that applies all of these rules to a JSON object."""

    def complaints(store: Store, roadmap: Roadmap, body: bytes) -> Iterator[DocumentIssue]:
        document = msgspec.json.decode(body)
        if not isinstance(document, dict):
            yield issue("The document", document, "an object")
            return
        for rule in rules:
            yield from rule(document, store, roadmap)

    return complaints


def nested_rules(place: str, members: Iterable[MemberRule]) -> tuple[MemberRule, ...]:
    """The same rules, for a document at `place` inside another."""
    return tuple(replace(member, at=f"{place}.{member.at}") for member in members)


def any_text(most: int | None = None) -> ValueConstraint:
    """Text that is not blank, of at most so many characters."""
    words = "a text that is not blank" + ("" if most is None else f", of at most {most} characters")
    return ValueConstraint(words, lambda value, *_: _is_text(value) and (most is None or len(value) <= most))


def matches_pattern(pattern: str, words: str) -> ValueConstraint:
    """A text that matches this pattern as a whole."""
    compiled = re.compile(pattern)
    return ValueConstraint(words, lambda value, *_: isinstance(value, str) and compiled.fullmatch(value) is not None)


def equals(value: Any) -> ValueConstraint:  # noqa: ANN401 -- JSON
    """This value and no other."""
    return ValueConstraint(quoted_json(value), lambda found, *_: bool(found == value))


def equals_known(known: Callable[[Store, Roadmap], Any], words: str) -> ValueConstraint:
    """The value that the store or the roadmap gives."""
    return ValueConstraint(words, lambda found, store, roadmap: bool(found == known(store, roadmap)))


def names_exactly(names: Callable[[Store, Roadmap], Sequence[str]], words: str) -> ValueConstraint:
    """A list of objects with exactly these names, in this order."""

    def holds(found: Any, store: Store, roadmap: Roadmap) -> bool:  # noqa: ANN401 -- JSON
        listing = found if isinstance(found, list) else [None]
        return [one.get("name") if isinstance(one, dict) else None for one in listing] == list(names(store, roadmap))

    return ValueConstraint(words, holds)


def _is_text(value: Any) -> bool:  # noqa: ANN401 -- JSON
    return isinstance(value, str) and bool(value.strip())


def _is_link(value: Any, store: Store, _roadmap: Roadmap) -> bool:  # noqa: ANN401 -- JSON
    """Http is valid only for a store on http, which settings allow on loopback alone."""
    schemes = {"https"} if store.origin.startswith("https:") else {"https", "http"}
    try:
        parts = urlsplit(value) if isinstance(value, str) else urlsplit("")
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.hostname) and not re.search(r"\s", value)


def _is_ours(value: Any, store: Store, _roadmap: Roadmap) -> bool:  # noqa: ANN401 -- JSON
    return isinstance(value, str) and f"{value}/".startswith(f"{store.origin}/") and "#" not in value


TEXT: Final = any_text()
LINK: Final = ValueConstraint("an absolute address with https", _is_link)
OUR_LINK: Final = ValueConstraint("an address on the store's own origin", _is_ours)
ENDPOINT: Final = equals_known(lambda store, _: store.endpoint, "the address of the MCP endpoint")
STATUS: Final = equals_known(lambda _, roadmap: roadmap.condition, "what the roadmap says")
CAPABILITIES: Final = equals_known(lambda store, _: store.server.capabilities, "what the running server is capable of")
PREFERRED: Final = equals_known(lambda store, _: store.server.preferred_version, "the version that every client speaks")
SERVER_NAME: Final = matches_pattern(
    r"(?=.{3,200}$)[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", "a reverse-DNS name with one slash, of at most 200 characters"
)
VERSION: Final = matches_pattern(
    r"(?!latest$)(?!(.*\.)?[xX]([.-]|$))[0-9A-Za-z.+_-]{1,255}", 'a single version such as "1.2.0", not a range'
)
SCHEMA: Final = ValueConstraint(
    "a JSON Schema of an object",
    lambda value, *_: isinstance(value, Mapping) and value.get("type") == "object",
)


def _values_at(value: Any, steps: Sequence[str], path: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 -- JSON
    """Yield every value at a place with its path, msgspec.UNSET where it is missing."""
    if not steps:
        yield path, value
        return
    key, each, _ = steps[0].partition("[]")
    here = f"{path}.{key}" if path else key
    inside = value.get(key, msgspec.UNSET) if isinstance(value, dict) else msgspec.UNSET
    if not each:
        yield from _values_at(inside, steps[1:], here)
    elif isinstance(inside, list) and inside:
        for index, one in enumerate(inside):
            yield from _values_at(one, steps[1:], f"{here}[{index}]")
    else:
        yield here, msgspec.UNSET if inside == [] else inside
