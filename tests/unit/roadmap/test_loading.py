"""Promises are read from `phase.toml`, deliveries are found by name, and nothing else is believed."""

import sys
from collections.abc import Callable, Iterator
from importlib import import_module, invalidate_caches
from pathlib import Path
from types import ModuleType

import pytest

from storefront_mcp import phases
from storefront_mcp.roadmap.loading import PhaseLoadError, load_phases
from storefront_mcp.roadmap.manifest import ManifestError, read_manifest

PROMISE = '[[tools]]\nname = "{name}"\nsummary = "Look"\nbacked_by = "nothing"\n'
MENTION = '[[{kind}]]\nname = "{name}"\nsummary = "Help"\n'
TOOL = '''
from msgspec import Struct
from storefront_mcp.commerce.shop import Shop
from storefront_mcp.tools.tool import tool


class Nothing(Struct, frozen=True):
    """No arguments."""


@tool()
async def {name}(args: Nothing, shop: Shop) -> Nothing:
    """Look."""
    return args
'''


def manifest(number: int, *tools: str, more: str = "") -> str:
    head = f'number = {number}\ntitle = "Phase {number}"\ndelivers = "A look."\n{more}\n'
    return head + "".join(PROMISE.format(name=name) for name in tools)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., ModuleType]]:
    """Write a package of phases: `path="text"` for every file, `__` in a path for a slash."""
    monkeypatch.syspath_prepend(tmp_path)

    def package(files: dict[str, str]) -> ModuleType:
        for name, text in {"__init__.py": "", **files}.items():
            path = tmp_path / "promised" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        invalidate_caches()
        return import_module("promised")

    yield package
    for name in [name for name in sys.modules if name.partition(".")[0] == "promised"]:
        del sys.modules[name]


def test_our_own_phases_load_in_order() -> None:
    loaded = load_phases(phases)
    assert [phase.name for phase in loaded][:4] == ["p1_browse", "p2_cart", "p3_checkout", "p4_account"]
    assert {phase.status for phase in loaded} == {"planned"}
    for phase in loaded:
        assert [name for name in phase.tools] == [  # noqa: C416 -- the order is the point
            promise.name for promise in phase.manifest.tools if promise.name in phase.tools
        ]


def test_a_promise_may_be_kept_later(package: Callable[..., ModuleType]) -> None:
    loaded = load_phases(
        package(
            {"b/phase.toml": manifest(1, "look", "buy"), "b/look.py": TOOL.format(name="look"), "b/__init__.py": ""}
        )
    )
    assert [phase.name for phase in loaded] == ["b"]
    assert list(loaded[0].tools) == ["look"]
    assert [promise.name for promise in loaded[0].undelivered] == ["buy"]
    assert not loaded[0].delivered


@pytest.mark.parametrize(
    ("files", "says"),
    [
        pytest.param({"a/phase.toml": manifest(1, "look", "look")}, "promised twice: look", id="twice in one"),
        pytest.param(
            {"a/phase.toml": manifest(1, "look"), "b/phase.toml": manifest(2, "look")},
            "look is promised by a and by b",
            id="twice in two",
        ),
        pytest.param(
            {
                "a/phase.toml": manifest(1, "look") + MENTION.format(kind="prompts", name="help"),
                "b/phase.toml": manifest(2, "buy") + MENTION.format(kind="prompts", name="help"),
            },
            "help is promised by a and by b",
            id="a prompt twice in two",
        ),
        pytest.param(
            {"a/phase.toml": manifest(1, "look") + MENTION.format(kind="resources", name="look")},
            "promised twice: look",
            id="a tool and a resource of one name",
        ),
        pytest.param(
            {"a/phase.toml": manifest(1, "look", more='requires = ["z"]')},
            "a: requires z, which does not exist",
            id="gap",
        ),
        pytest.param(
            {"a/phase.toml": manifest(1, "look", more='requires = ["b"]'), "b/phase.toml": manifest(2, "buy")},
            "a: requires b, which must have a smaller number",
            id="requires a later one",
        ),
        pytest.param(
            {"a/phase.toml": manifest(1, "look", more='requires = ["a"]')},
            "a: requires a, which must have a smaller number",
            id="requires itself",
        ),
        pytest.param({"a/phase.toml": manifest(1, "Look")}, r"\$\.tools\[0\]\.name", id="no tool name"),
        pytest.param({"a/phase.toml": manifest(1, "look", more="nunber = 2")}, "nunber", id="unknown key"),
        pytest.param({"a/phase.toml": manifest(1)}, "tools", id="no promise"),
        pytest.param({"a/phase.toml": "number = "}, r"phase\.toml: ", id="not TOML"),
    ],
)
def test_a_broken_promise_stops_the_start(package: Callable[..., ModuleType], files: dict[str, str], says: str) -> None:
    with pytest.raises(ManifestError, match=says):
        load_phases(package(files))


def test_a_file_that_is_no_tool_stops_the_start(package: Callable[..., ModuleType]) -> None:
    broken = package({"a/phase.toml": manifest(1, "look"), "a/__init__.py": "", "a/look.py": "look = 3"})
    with pytest.raises(PhaseLoadError, match=r"promised\.a\.look must define the tool look"):
        load_phases(broken)


@pytest.mark.parametrize(("kind", "wanted"), [("resources", "resource"), ("prompts", "prompt")])
def test_a_promised_resource_or_prompt_is_kept_by_one_and_by_nothing_else(
    package: Callable[..., ModuleType], kind: str, wanted: str
) -> None:
    text = manifest(1, "look") + MENTION.format(kind=kind, name="help")
    files = {"a/phase.toml": text, "a/__init__.py": "", "a/look.py": TOOL.format(name="look")}
    (phase,) = load_phases(package(files))
    assert [promise.name for promise in phase.undelivered] == ["help"]
    assert not phase.delivered
    broken = package({**files, "a/help.py": TOOL.format(name="help")})
    with pytest.raises(PhaseLoadError, match=rf"promised\.a\.help must define the {wanted} help"):
        load_phases(broken)


def test_a_scope_goes_with_a_sign_in(tmp_path: Path) -> None:
    path = tmp_path / "phase.toml"
    path.write_text(manifest(1, "look") + 'scope = "read:orders"\n')
    with pytest.raises(ManifestError, match='a scope goes with auth = "required" or "optional": look'):
        read_manifest(path)
    path.write_text(manifest(1, "look") + 'scope = "read:orders"\nauth = "required"\n')
    assert read_manifest(path).tools[0].scope == "read:orders"
    path.write_text(manifest(1, "look") + 'scope = "checkout"\nauth = "optional"\n')
    assert read_manifest(path).tools[0].scope == "checkout"


def test_a_manifest_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=str(tmp_path)):
        read_manifest(tmp_path / "phase.toml")


def test_a_phase_says_whether_it_needs_a_payment_method(package: Callable[..., ModuleType]) -> None:
    free, paid = load_phases(
        package({"a/phase.toml": manifest(1, "look"), "b/phase.toml": manifest(2, "buy", more="needs_payment = true")})
    )
    assert (free.manifest.needs_payment, paid.manifest.needs_payment) == (False, True)


def test_a_need_for_payment_is_true_or_false(tmp_path: Path) -> None:
    (tmp_path / "phase.toml").write_text(manifest(1, "buy", more='needs_payment = "yes"'))
    with pytest.raises(ManifestError, match=r"Expected `bool`, got `str` - at `\$\.needs_payment`"):
        read_manifest(tmp_path / "phase.toml")
