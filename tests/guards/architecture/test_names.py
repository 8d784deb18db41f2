"""Names are the field's: a class has one meaning and two words unless the glossary has it, and a function says what it
does."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

import pytest

from tests.guards.architecture.tree import definitions, files, parsed, shipped, text, words

pytestmark = pytest.mark.slow

MODULES = shipped(".py")
NAMES_THAT_SAY_NOTHING = frozenset({"util", "helper", "common", "misc", "manager"})

PARTICIPLES = re.compile(
    r"(?:\w*[a-z]{2}(?<!e)ed|asked|became|begun|broken|chosen|found|given|gone|heard|held|kept|laid|lost|made|meant|said|seen|sent"
    r"|shown|spelt|spoken|taken|thrown|told|understood|went|withdrawn|written)"
)
NO_PARTICIPLES = frozenset({"embed", "shed"})
PURE_COPIES = frozenset({"divided", "masked", "nested", "normalised", "redacted", "scaled"})
"""What a pure copy may be called (docs/glossary.md)."""
PLAIN_VERBS = frozenset(
    """
    claim close combine complete connect contains create equals examine listen place release resolve shorten withdraw
    """.split()
)
"""What a public function of a module may be called in one word: it does that to its first argument."""
CHOSEN_BY_OTHERS = {
    "connection_lost": "asyncio.Protocol",
    "connection_made": "asyncio.Protocol",
    "data_received": "asyncio.Protocol",
    "_unauthorized": "RFC 9110, 15.5.2",
    "not_found": "RFC 9110, 15.5.5",
}
"""Name → the library or specification that calls a thing so, where ours must match."""

GONE = """
    Account Admitting AgentSignatures Arrived Ask Asked AskedOption Asking AtRandom AuditBook Averted Bearers Behind
    Blank Books Buckets CacheLook CannotBeChecked Cashier ChainVerdict Chance CheckoutShown Checkups Conversant
    Conversation DatabaseHandles DatabaseReplays DatabaseSeats DatabaseTrail Desk Door Dress Edge Entrance Errand
    Examining FailureAnswer Flavour Found Front Gate Heard House Housing Introduction Kept KeptOrder KeyCallers
    KeyMisspelt Line Listening Look Lost Mention MemoryBuckets Misspoken Minted NoAnswer NotForYou NotSeated NotShown
    NotToFinish Numbers Observing OnRecord OrderShown OutsideFlags OverSse Passing Patience PayDesk PersonalSeal
    PhaseShown Questions Recall Refused Remembered Repeated Replays SandboxBook Seal SealBroken Seat Seats Selling
    SharedBuckets Shelf Shelves ShopLook ShopUnclear Shown Silence Slip Sold Span Sparingly Speaker Spoken Standing
    Stocked Stopped Stopwatch Talk Terms Till TokenDesk TooOften ToolShown Trade Traffic TrafficBook Trail Traps
    TurnedAway Turnstile Two Unheard Unseen Usable Verdict Visit Visitor Vouched Wanted Watch Watcher Watching Ways
    Wish
""".split()
"""Class names that told a story or stood for several things, and are not to come back."""
GONE_MODULES = """
    accounting admitting answering asking bearers beside books buyers carting cashier checkups choosing connecting
    conversant conversation desk dispatching door dress edge ending entering era examining filling finishing front
    garbage gate house housing introduction keeping limiting observing outside paying places printing probing prose
    reading refusals rewards rooms seal sealing seats selling shelves showing shown starting stops talk tally telling
    together trail traps turnstile unusable wanted watching wording
""".split()
GONE_WORDS = frozenset(
    "cashier conversant desk door errand lookers seat shelf stranger till turnstile vouched whoever wish".split()
)
"""Metaphors that no class or function has in its name; the demo shop may, as it is one."""
GONE_LOCALS = frozenset("heard misspoken patience shelf shelves speaker unheard".split())
"""Metaphors that no variable, parameter or attribute is called; the demo shop's shelves are its data's."""
GONE_CONSTANTS = re.compile(
    r"_?(?:AT_ONCE|BOUND|BREATH|DUST|ENOUGH|FRESH|KEPT|KNOWN|LIFETIME|LONGEST\w*|MOST\w*|FEWEST\w*|PATIENCE|PAUSE|REMEMBERED|SKEW)"
)
"""Constants without a subject or a unit."""


def classes() -> Iterator[tuple[str, str]]:
    for module in MODULES:
        for node in ast.walk(parsed(module)):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield module, node.name


def functions(*, public: bool = False) -> Iterator[tuple[str, str]]:
    """Functions of modules and classes, but not what reads like an attribute."""
    for module in MODULES:
        tree = parsed(module)
        bodies = [tree.body, *(node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]
        for node in (node for body in bodies for node in body):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not (public and node.name.startswith("_")):
                decorators = {ast.unparse(each) for each in node.decorator_list}
                if not decorators & {"property", "overload"}:
                    yield module, node.name


def constants() -> Iterator[tuple[str, str]]:
    for module in MODULES:
        for node in parsed(module).body:
            targets = (
                node.targets
                if isinstance(node, ast.Assign)
                else [node.target]
                if isinstance(node, ast.AnnAssign)
                else []
            )
            yield from ((module, target.id) for target in targets if isinstance(target, ast.Name))


def glossary(section: str) -> set[str]:
    """The words in the first column of a table of the glossary."""
    part = text("docs/glossary.md").partition(f"## {section}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE))


def glossary_words() -> set[str]:
    """The words that the glossary explains."""
    part = text("docs/glossary.md").partition("## Words\n")[2].partition("\n## ")[0]
    return {word for row in re.findall(r"^\| ([a-z, ]+) \|", part, re.MULTILINE) for word in row.split(", ")}


def imported_by_name() -> set[tuple[str, str]]:
    """Modules of the tree and the names that others import from them."""
    return {
        (node.module or "", alias.name)
        for module in MODULES
        for node in ast.walk(parsed(module))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def functions_of_one_word() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Public functions of modules whose name nothing else explains: neither their result, nor a decorator."""
    for module in MODULES:
        for node in parsed(module).body:
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or "_" in node.name or node.decorator_list:
                continue
            returned = "" if node.returns is None else ast.unparse(node.returns)
            if node.name.removesuffix("s") not in returned.lower() and not module.endswith(f"/{node.name}.py"):
                yield module, node


def package_of(module: str) -> str:
    """How others import a module: `cards` and `phases` below the engine's package."""
    name = module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return name if name.startswith("storefront_mcp") else f"storefront_mcp.{name}"


def number_of_words(name: str) -> int:
    return len(re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name))


def participle(name: str) -> bool:
    """Whether a function is named after what was done: `asked`, `_not_ordered`."""
    last = name.strip("_").rpartition("_")[2]
    plain = name.strip("_") in PURE_COPIES or name in CHOSEN_BY_OTHERS or last in NO_PARTICIPLES
    return not plain and PARTICIPLES.fullmatch(last) is not None and says_no_verb(name)


def says_no_verb(name: str) -> bool:
    """`is_signed`, `count_limited` and `check_published` begin with a verb; `_not_ordered` does not."""
    first, _, rest = name.strip("_").partition("_")
    return not rest or first in {"not", "as", "already", "looked"} or PARTICIPLES.fullmatch(first) is not None


def test_a_class_name_stands_for_one_class() -> None:
    found = defaultdict(list)
    for module, name in classes():
        found[name].append(module)

    assert {name: modules for name, modules in found.items() if len(modules) > 1} == {}


def test_a_class_has_two_words_unless_the_glossary_has_it() -> None:
    known = glossary("Classes with one word")

    assert {(module, name) for module, name in classes() if number_of_words(name) == 1 and name not in known} == set()


def test_the_glossary_has_no_class_that_is_gone() -> None:
    assert glossary("Classes with one word") - {name for _, name in classes()} == set()


def test_a_function_is_not_named_after_what_was_done() -> None:
    assert [(module, name) for module, name in functions() if participle(name)] == []


def test_a_function_of_one_word_is_a_verb_or_a_word_of_the_glossary_or_read_behind_its_module() -> None:
    known = PLAIN_VERBS | PURE_COPIES | glossary_words()
    imported = imported_by_name()

    assert [
        (module, node.name)
        for module, node in functions_of_one_word()
        if not module.startswith("storefront_mcp/demo/")
        and (package_of(module), node.name) in imported
        and node.name not in known
    ] == []


def test_a_name_that_told_a_story_does_not_come_back() -> None:
    assert [(module, name) for module, name in classes() if name in GONE] == []
    assert [module for module in MODULES if module.rpartition("/")[2].removesuffix(".py") in GONE_MODULES] == []


def test_no_metaphor_is_part_of_a_name() -> None:
    told = [
        (module, node.name)
        for module in MODULES
        if not module.startswith("storefront_mcp/demo/")
        for node in ast.walk(parsed(module))
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and words(node.name) & GONE_WORDS
    ]

    assert told == []


def test_no_metaphor_is_the_name_of_a_value() -> None:
    told = [
        (module, name)
        for module in MODULES
        if not module.startswith("storefront_mcp/demo/")
        for node in ast.walk(parsed(module))
        for name in (getattr(node, "id", ""), getattr(node, "arg", ""), getattr(node, "attr", ""))
        if isinstance(name, str) and name.strip("_") in GONE_LOCALS
    ]

    assert told == []


def test_a_constant_has_a_subject() -> None:
    assert [(module, name) for module, name in constants() if GONE_CONSTANTS.fullmatch(name)] == []


def test_names_say_what_a_thing_is() -> None:
    named = [(module, name) for module in MODULES for name in definitions(module)]

    assert [(module, name) for module, name in named if words(name) & NAMES_THAT_SAY_NOTHING] == []


def test_no_module_imports_cards_or_phases_beside_the_package() -> None:
    written = re.compile(r"^\s*(?:from|import) (?:cards|phases)\b", re.MULTILINE)

    assert [name for name in files() if name.endswith(".py") and written.search(text(name))] == []


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("http_helpers", {"helper"}),
        ("CartManager", {"manager"}),
        ("common", {"common"}),
        ("process_order", set()),
        ("metadata", set()),
    ],
)
def test_only_whole_words_count(name: str, found: set[str]) -> None:
    assert words(name) & NAMES_THAT_SAY_NOTHING == found


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("asked", True),
        ("_not_ordered", True),
        ("held", True),
        ("is_signed", False),
        ("redacted", False),
        ("count_limited", False),
        ("feed", False),
        ("embed", False),
    ],
)
def test_a_participle_is_told_from_a_verb(name: str, *, found: bool) -> None:
    assert participle(name) is found
