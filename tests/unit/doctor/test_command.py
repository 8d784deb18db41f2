"""`doctor` as a person or a pipeline types it: what it prints, what it answers, how it says no."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet

from storefront_mcp.cli import main
from storefront_mcp.cli.demo_folder import MARK
from storefront_mcp.cli.doctor import count_words
from tests.serving import free_port
from tests.unit.doctor.conftest import ExaminedServer, ExaminedShop, housed
from tests.unit.doctor.stores import at

pytestmark = pytest.mark.slow

Run = Callable[..., Result]

STORE = """
[[store]]
id = "{id}"
origin = "http://127.0.0.1:{port}"
name = "Pickle"
currency = "AUD"
[store.upstream]
kind = "maho"
url = "{url}"
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line in an empty directory, in a terminal that is wide enough."""
    monkeypatch.delenv("STOREFRONT_CONFIG", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, ("doctor", *arguments))


def test_a_healthy_store_is_exit_code_0(run: Run, examined: ExaminedServer) -> None:
    done = run(examined.origin)

    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("Nothing is wrong.")
    assert "Published documents  6 of 6 good" in done.output
    assert "The shop behind it" not in done.output
    assert f"{examined.origin}: " in done.output.splitlines()[-1]


def test_what_is_good_is_folded_and_shown_on_demand(run: Run, examined: ExaminedServer) -> None:
    folded, shown = run(examined.origin), run(examined.origin, "--all")

    assert "Does the store answer?" not in folded.output
    assert "What is good is shown by --all." in folded.output
    assert re.search(r"ok +Does the store answer\? *\n", shown.output)
    assert "--all" not in shown.output.splitlines()[-1]


def test_a_path_behind_the_origin_is_forgiven(run: Run, examined: ExaminedServer) -> None:
    done = run(f"{examined.origin}/mcp", "--json")

    assert json.loads(done.stdout)["url"] == examined.origin


def test_a_fault_is_exit_code_1_and_comes_with_its_fix(run: Run, examined: ExaminedServer) -> None:
    examined.proxy.spoil = at("/mcp", lambda said: setattr(said, "status", 404))
    done = run(examined.origin)

    assert done.exit_code == 1
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert lines[0] == "1 thing is wrong."
    assert lines[1] == f"The card's endpoint {examined.origin}/mcp is not there."
    assert lines[2] == "→ Let the proxy pass /mcp on to the server."
    assert "fault    Is the endpoint on this origin and as open as the card says? No." in lines
    assert "skipped  4 checks: card.endpoint has to be put right first." in done.output


def test_json_is_all_there_is_on_stdout(run: Run, examined: ExaminedServer) -> None:
    done = run(examined.origin, "--json", "--cart")
    report = json.loads(done.stdout)

    assert done.exit_code == 0
    assert report["version"] == 1
    assert report["healthy"] is True
    assert report["verdict"] == "Nothing is wrong."
    assert [one["id"] for area in report["areas"] for one in area["checks"]][-1] == "journey.cart"


def test_without_a_url_the_store_that_is_set_up_here_is_examined(
    run: Run, examined_shop: ExaminedShop, tmp_path: Path
) -> None:
    port = free_port()
    (tmp_path / "storefront.toml").write_text(STORE.format(id="pickle", port=port, url=examined_shop.url))
    done = run("--all")

    assert done.exit_code == 1
    assert "Maho answers at" in done.output
    assert "→ Start it: storefront-mcp serve --config storefront.toml" in " ".join(done.output.split())


def test_one_of_several_stores_has_to_be_chosen(
    run: Run, examined_shop: ExaminedShop, examined: ExaminedServer, tmp_path: Path
) -> None:
    stores = [STORE.format(id=id_, port=port, url=examined_shop.url) for id_, port in (("one", 1), ("two", 2))]
    (tmp_path / "storefront.toml").write_text("".join(stores))
    unsaid = run()
    chosen = run(examined.origin, "--config", "storefront.toml", "--store", "two", "--json")

    assert unsaid.exit_code == 2
    assert "add --store one or --store two" in unsaid.output
    assert json.loads(chosen.stdout)["store"] == "two"


def test_broken_settings_are_findings(run: Run, tmp_path: Path) -> None:
    (tmp_path / "storefront.toml").write_text("port = 0\n")
    done = run("--json")
    report = json.loads(done.stdout)

    assert done.exit_code == 1
    assert [one["id"] for area in report["areas"] for one in area["checks"]] == ["settings.usable"]


def test_a_demo_that_was_started_here_is_found(run: Run, tmp_path: Path) -> None:
    state = tmp_path / ".storefront-demo"
    state.mkdir()
    (state / "demo.toml").write_text(f"{MARK}port = {free_port()}\n")
    report = json.loads(run("--json").stdout)

    assert report["config"] == ".storefront-demo/demo.toml"
    assert report["store"] == "pickle"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "There is no storefront.toml here."),
        (("--config", "nowhere.toml"), "There is no file nowhere.toml."),
        (("ftp://pickle.example",), "'ftp://pickle.example' is not an http or https URL."),
        (("http://[",), "'http://[' is not an http or https URL."),
    ],
)
def test_where_there_is_nothing_to_examine_the_exit_code_is_2(run: Run, arguments: tuple[str, ...], said: str) -> None:
    done = run(*arguments)

    assert done.exit_code == 2
    assert said in done.output


def test_the_demo_has_nothing_to_note_that_its_user_could_not_act_on(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".storefront-demo").mkdir()
    key = Fernet.generate_key().decode()
    opened = ("p1_browse", "p2_cart", "p3_checkout", "p4_account")
    examined = next(served := housed(tmp_path / ".storefront-demo", *opened, key=key))
    port = examined.origin.rpartition(":")[2]
    (tmp_path / ".storefront-demo" / "demo.toml").write_text(f'{MARK}port = {port}\nkey = "{key}"\n')
    done = run("--cart")
    served.close()

    assert done.exit_code == 0, done.output
    assert re.search(rf"{examined.origin}: \d+ ok, in [\d.]+ s\.", done.output), done.output


def test_advice_can_be_pasted(run: Run, tmp_path: Path) -> None:
    state = tmp_path / "my demo"
    state.mkdir()
    (state / "demo.toml").write_text(f"{MARK}port = {free_port()}\n")
    done = " ".join(run("--config", "my demo").output.split())

    assert "→ To open it: storefront-mcp phases open p1_browse --config 'my demo/demo.toml'" in done
    assert "→ Start it: storefront-mcp demo --state 'my demo'" in done


@pytest.mark.parametrize(
    ("what", "number", "words"),
    [
        ("ok", 52, "52 ok"),
        ("note", 1, "1 note"),
        ("note", 2, "2 notes"),
        ("warning", 1, "1 warning"),
        ("fault", 3, "3 faults"),
        ("skipped", 1, "1 check skipped"),
        ("skipped", 4, "4 checks skipped"),
    ],
)
def test_findings_are_counted_in_words(what: str, number: int, words: str) -> None:
    assert count_words(what, number) == words
