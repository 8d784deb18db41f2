"""The ledger of requirements and the tests agree, in both directions."""

import ast
import tomllib
from pathlib import Path

import pytest

from tests.fakes.agent import VERSIONS

HERE = Path(__file__).parent
LEDGER = tomllib.loads((HERE / "requirements.toml").read_text(encoding="utf-8"))["requirement"]


def versions(said: str) -> tuple[str, ...]:
    """The versions that an entry speaks of."""
    if said == "all":
        return VERSIONS
    first, dots, last = said.partition("..")
    begin = VERSIONS.index(first) if first else 0
    end = VERSIONS.index(last) if last else (len(VERSIONS) - 1 if dots else begin)
    return VERSIONS[begin : end + 1]


def test_each_entry_is_whole_and_there_once() -> None:
    for entry in LEDGER:
        assert entry.keys() == {"id", "sentence", "section", "versions"}, entry
        assert entry["sentence"].endswith("."), entry
        assert versions(entry["versions"]), entry
    ids = [entry["id"] for entry in LEDGER]
    assert len(set(ids)) == len(ids)
    sentences = [entry["sentence"] for entry in LEDGER]
    assert len(set(sentences)) == len(sentences)


def test_every_version_is_spoken_of_and_none_that_we_do_not_speak() -> None:
    assert {one for entry in LEDGER for one in versions(entry["versions"])} == set(VERSIONS)
    with pytest.raises(ValueError, match="not in tuple"):
        versions("2024-01-01")


def proofs() -> dict[str, set[str]]:
    """What tests claim to prove, by id: read from the source, so that it is the same whichever tests are run."""
    found: dict[str, set[str]] = {}
    for path in sorted(HERE.rglob("test_*.py")):
        if "node_modules" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                for decorator in node.decorator_list:
                    if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.proves":
                        for said in map(ast.literal_eval, decorator.args):
                            found.setdefault(said, set()).add(f"{path.relative_to(HERE)}::{node.name}")
    return found


@pytest.mark.slow
def test_each_requirement_is_proven_and_no_other_is_claimed() -> None:
    ids, claimed = {entry["id"] for entry in LEDGER}, proofs()
    assert claimed.keys() <= ids, f"no such requirements: {claimed.keys() - ids}"
    unproven = ids - claimed.keys()
    assert not unproven, f"proven by no test: {sorted(unproven)}"


def test_what_claims_to_prove_something_is_collected(request: pytest.FixtureRequest) -> None:
    """The name of a test is nothing if pytest does not see it; a part of a module tells nothing about the rest."""
    chosen = request.config.option
    if chosen.markexpr or chosen.keyword or any("::" in argument for argument in request.config.args):
        pytest.skip("only a part of the tests was chosen")
    collected = {
        (str(item.path.relative_to(HERE)), getattr(item, "originalname", item.name)) for item in request.session.items
    }
    modules = {module for module, _ in collected}
    claims = {tuple(told.split("::")) for told in set().union(*proofs().values())}
    assert {claim for claim in claims if claim[0] in modules} <= collected
