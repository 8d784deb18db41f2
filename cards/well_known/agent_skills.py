"""The agent skill: `/.well-known/agent-skills/index.json` and the SKILL.md it names (Agent Skills Discovery 0.2.0)."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Struct, field

from storefront_mcp.cards.json_output import JSON_TYPE, pretty_json
from storefront_mcp.cards.phrases import list_words, open_promises
from storefront_mcp.cards.rules.json_rules import (
    OUR_FAULT_TEXT,
    MemberRule,
    any_text,
    equals,
    equals_known,
    json_validator,
    matches_pattern,
)
from storefront_mcp.cards.rules.text_rules import has_heading, text_validator
from storefront_mcp.cards.server_card import SERVER_CARD
from storefront_mcp.commerce.store import Store
from storefront_mcp.roadmap.card import Card, DocumentIssue, PageEntry
from storefront_mcp.roadmap.roadmap import Phase, Roadmap

SCHEMA: Final = "https://schemas.agentskills.io/discovery/0.2.0/schema.json"
OLD_SKILL_PATH: Final = "/.well-known/agent-skills/storefront/SKILL.md"
"""The same for every store: from when the skill's folder was not called like the skill."""
MAX_SKILL_NAME_CHARS: Final = 64
MAX_SKILL_DESCRIPTION_CHARS: Final = 1024


class SkillEntry(Struct, frozen=True, kw_only=True):
    """One skill in the index."""

    name: str
    type: str
    description: str
    url: str
    digest: str
    """`sha256:` and the hex digest of the artifact's bytes as served without content coding."""


class SkillIndex(Struct, frozen=True, kw_only=True):
    """The index document."""

    schema: str = field(name="$schema")
    skills: tuple[SkillEntry, ...]


def _name(store: Store) -> str:
    """`shop-` and the store's name in lower-case letters, digits and single hyphens; its id where nothing is left."""
    for words in (store.name, store.id):
        plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
        slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
        if slug:
            return f"shop-{slug}"[:MAX_SKILL_NAME_CHARS].rstrip("-")
    return "shop"


def _skill_path(store: Store) -> str:
    """In a folder that is called like the skill, as the Agent Skills format has it."""
    return f"/.well-known/agent-skills/{_name(store)}/SKILL.md"


def _description(store: Store, roadmap: Roadmap) -> str:
    promises = open_promises(roadmap)
    if roadmap.pause is not None:
        return f"Learn what agents can do at {store.name} over MCP. {roadmap.pause.sentences}"
    if not promises:
        return f"Learn what agents will be able to do at {store.name} over MCP. Nothing is open yet."
    does = list_words([promise.words.skill for promise in promises if promise.words.skill]) or "use the shop"
    return f"{does[0].upper()}{does[1:]} at {store.name} over MCP. Use it when a buyer wants something from this shop."


def _lines(store: Store, roadmap: Roadmap) -> Iterable[str]:
    yield "---"
    yield f"name: {_name(store)}"
    # A JSON string is a YAML string, whatever the shop is called.
    yield f"description: {msgspec.json.encode(_description(store, roadmap)).decode()}"
    yield "---"
    yield ""
    yield f"# {store.name}"
    yield ""
    card = store.url(SERVER_CARD.paths[0])
    promises = open_promises(roadmap)
    if promises:
        yield f"Connect an MCP client to `{store.endpoint}` (Streamable HTTP). No account or token is needed for that."
        yield f"`tools/list` is always right; so is the server card at {card}."
    elif roadmap.pause is not None:
        yield roadmap.pause.sentences
        yield f"Plan with the tools in the server card at {card}; `Retry-After` says when to ask again."
    else:
        yield "The MCP server of this shop is announced but not open: every call is answered 503 with `Retry-After`."
        yield f"Plan with the tools in the server card at {card} and come back later."
    yield from _phases("What works now", [phase for phase in roadmap.phases if phase.open])
    yield from _phases("Not open yet", [phase for phase in roadmap.phases if phase.status in {"planned", "paused"}])
    advice = [sentence for promise in promises for sentence in promise.words.advice]
    if advice:
        yield ""
        yield "## How to shop well"
        yield ""
        yield from (f"- {sentence}" for sentence in advice)


def _phases(heading: str, phases: list[Phase]) -> Iterable[str]:
    if phases:
        yield ""
        yield f"## {heading}"
    for phase in phases:
        yield ""
        yield phase.manifest.delivers
        yield ""
        yield from (f"- `{promise.name}`: {promise.summary}" for promise in phase.manifest.tools)


def _render_skill(store: Store, roadmap: Roadmap) -> bytes:
    return "".join(f"{line}\n" for line in _lines(store, roadmap)).encode()


def _digest(store: Store, roadmap: Roadmap) -> str:
    return f"sha256:{hashlib.sha256(_render_skill(store, roadmap)).hexdigest()}"


def _front_matter(text: str, store: Store, roadmap: Roadmap) -> Iterable[DocumentIssue]:
    """A validator of the front matter, from which installers take name and description."""
    if re.match(r"---\nname: [a-z0-9-]+\ndescription: \".+\"\n---\n", text) is None:
        yield DocumentIssue("It does not begin with the skill's name and description.", OUR_FAULT_TEXT)


def _render_index(store: Store, roadmap: Roadmap) -> bytes:
    skill = SkillEntry(
        name=_name(store),
        type="skill-md",
        description=_description(store, roadmap),
        url=_skill_path(store),
        digest=_digest(store, roadmap),
    )
    return pretty_json(SkillIndex(schema=SCHEMA, skills=(skill,)))


SKILL_INDEX: Final = Card(
    name="agent-skills",
    paths=("/.well-known/agent-skills/index.json",),
    media_type=JSON_TYPE,
    page_entry=PageEntry("Agent skills", "how to shop here, as an installable skill"),
    render=_render_index,
    validate=json_validator(
        MemberRule("$schema", equals(SCHEMA)),
        MemberRule(
            "skills[].name", matches_pattern(r"(?=.{1,64}$)[a-z0-9]+(-[a-z0-9]+)*", "small letters, digits and hyphens")
        ),
        MemberRule("skills[].type", equals("skill-md")),
        MemberRule("skills[].description", any_text(MAX_SKILL_DESCRIPTION_CHARS), "store.name"),
        MemberRule("skills[].url", equals_known(lambda store, _: _skill_path(store), "the address of the skill")),
        MemberRule("skills[].digest", equals_known(_digest, "the digest of the skill as it is sent")),
    ),
)
SKILL: Final = Card(
    name="agent-skill",
    paths=(OLD_SKILL_PATH,),
    own_path=_skill_path,
    media_type="text/markdown; charset=utf-8",
    render=_render_skill,
    validate=text_validator(_front_matter, has_heading()),
)
