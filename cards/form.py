"""What makes a JSON document right, as rules: a member, what it wants to be, and the setting that puts it right."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Complaint, Form
from storefront_mcp.roadmap.roadmap import Roadmap

Rule = Callable[[Any, Store, Roadmap], Iterable[Complaint]]
"""Looks at a decoded document, an object."""

OURS: Final = "No setting makes this: update storefront-mcp, or report it."
SHOWN: Final = 80
"""Characters of a value that a complaint quotes."""


class Wish(Struct, frozen=True):
    """What a value has to be; `words` complete "readers want …" and "set it to …". `holds` takes any value at all."""

    words: str
    holds: Callable[[Any, Store, Roadmap], bool]


class Member(Struct, frozen=True):
    """A rule for `host.displayName`, or for `remotes[].url`: a member of each item of a list that is not empty."""

    at: str
    wants: Wish
    setting: str | None = None
    """Where its value comes from; None where no operator chooses it."""
    optional: bool = False

    def __call__(self, document: Any, store: Store, roadmap: Roadmap) -> Iterator[Complaint]:  # noqa: ANN401 -- JSON
        """A complaint for each value that is not as it should be."""
        for path, value in _found(document, self.at.split("."), ""):
            if value is msgspec.UNSET and self.optional:
                continue
            if value is msgspec.UNSET or not self.wants.holds(value, store, roadmap):
                yield complaint(path, value, self.wants.words, self.setting)


def complaint(what: str, value: Any, wanted: str, setting: str | None = None) -> Complaint:  # noqa: ANN401 -- JSON
    """That `what` is something else than its readers want; `msgspec.UNSET` where it is nothing at all."""
    found = "is missing" if value is msgspec.UNSET else f"is {shown(value)}"
    if setting is None:
        return Complaint(f"{what} {found}; readers want {wanted}.", OURS)
    return Complaint(f"{what} {found}.", f"Set {setting} to {wanted}.")


def shown(value: Any) -> str:  # noqa: ANN401 -- JSON
    """A value as it stands in the document, or as much of it as fits into a sentence."""
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def form(*rules: Rule) -> Form:
    """The form of a JSON object that keeps all of these."""

    def complaints(store: Store, roadmap: Roadmap, body: bytes) -> Iterator[Complaint]:
        document = msgspec.json.decode(body)
        if not isinstance(document, dict):
            yield complaint("The document", document, "an object")
            return
        for rule in rules:
            yield from rule(document, store, roadmap)

    return complaints


def below(place: str, members: Iterable[Member]) -> tuple[Member, ...]:
    """The same rules for a document inside another."""
    return tuple(replace(member, at=f"{place}.{member.at}") for member in members)


def text(most: int | None = None) -> Wish:
    """Words, at most so many characters."""
    words = "a text that is not blank" + ("" if most is None else f", of at most {most} characters")
    return Wish(words, lambda value, *_: _is_text(value) and (most is None or len(value) <= most))


def matching(pattern: str, words: str) -> Wish:
    """A text of this pattern, whole."""
    compiled = re.compile(pattern)
    return Wish(words, lambda value, *_: isinstance(value, str) and compiled.fullmatch(value) is not None)


def exactly(value: Any) -> Wish:  # noqa: ANN401 -- JSON
    """This value and no other."""
    return Wish(shown(value), lambda found, *_: bool(found == value))


def as_known(known: Callable[[Store, Roadmap], Any], words: str) -> Wish:
    """What the store or the roadmap says."""
    return Wish(words, lambda found, store, roadmap: bool(found == known(store, roadmap)))


def named(names: Callable[[Store, Roadmap], Sequence[str]], words: str) -> Wish:
    """A list of objects with exactly these names, in this order."""

    def holds(found: Any, store: Store, roadmap: Roadmap) -> bool:  # noqa: ANN401 -- JSON
        listing = found if isinstance(found, list) else [None]
        return [one.get("name") if isinstance(one, dict) else None for one in listing] == list(names(store, roadmap))

    return Wish(words, holds)


def _is_text(value: Any) -> bool:  # noqa: ANN401 -- JSON
    return isinstance(value, str) and bool(value.strip())


def _is_link(value: Any, store: Store, _roadmap: Roadmap) -> bool:  # noqa: ANN401 -- JSON
    """A store without https is on its own machine: settings allow it nowhere else."""
    schemes = {"https"} if store.origin.startswith("https:") else {"https", "http"}
    try:
        parts = urlsplit(value) if isinstance(value, str) else urlsplit("")
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.hostname) and not re.search(r"\s", value)


def _is_ours(value: Any, store: Store, _roadmap: Roadmap) -> bool:  # noqa: ANN401 -- JSON
    return isinstance(value, str) and f"{value}/".startswith(f"{store.origin}/") and "#" not in value


TEXT: Final = text()
LINK: Final = Wish("an absolute address with https", _is_link)
OUR_LINK: Final = Wish("an address on the store's own origin", _is_ours)
ENDPOINT: Final = as_known(lambda store, _: store.endpoint, "the address of the MCP endpoint")
STATUS: Final = as_known(lambda _, roadmap: "active" if roadmap.open else "planned", "what the roadmap says")
CAPABILITIES: Final = as_known(lambda store, _: store.speaker.capabilities, "what the running server is capable of")
PREFERRED: Final = as_known(lambda store, _: store.speaker.preferred_version, "the version that every client speaks")
SERVER_NAME: Final = matching(
    r"(?=.{3,200}$)[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", "a reverse-DNS name with one slash, of at most 200 characters"
)
VERSION: Final = matching(
    r"(?!latest$)(?!(.*\.)?[xX]([.-]|$))[0-9A-Za-z.+_-]{1,255}", 'a single version such as "1.2.0", not a range'
)
SCHEMA: Final = Wish(
    "a JSON Schema of an object",
    lambda value, *_: isinstance(value, Mapping) and value.get("type") == "object",
)


def _found(value: Any, steps: Sequence[str], path: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 -- JSON
    """Every value at a place, with its path; msgspec.UNSET where there is none."""
    if not steps:
        yield path, value
        return
    key, each, _ = steps[0].partition("[]")
    here = f"{path}.{key}" if path else key
    inside = value.get(key, msgspec.UNSET) if isinstance(value, dict) else msgspec.UNSET
    if not each:
        yield from _found(inside, steps[1:], here)
    elif isinstance(inside, list) and inside:
        for index, one in enumerate(inside):
            yield from _found(one, steps[1:], f"{here}[{index}]")
    else:
        yield here, msgspec.UNSET if inside == [] else inside
