"""`doctor` as a person or a pipeline types it: what it prints, what it answers, how it says no."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from storefront_mcp.cli import main
from tests.doctor.conftest import Backroom, House
from tests.doctor.ward import at
from tests.serving import free_port

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


def test_a_healthy_store_is_exit_code_0(run: Run, house: House) -> None:
    done = run(house.origin)

    assert done.exit_code == 0, done.output
    assert "Published documents" in done.output
    assert "The shop behind it" not in done.output
    assert f"{house.origin}: " in done.output.splitlines()[-1]


def test_a_path_behind_the_origin_is_forgiven(run: Run, house: House) -> None:
    done = run(f"{house.origin}/mcp", "--json")

    assert json.loads(done.stdout)["url"] == house.origin


def test_a_fault_is_exit_code_1_and_comes_with_its_fix(run: Run, house: House) -> None:
    house.proxy.spoil = at("/mcp", lambda said: setattr(said, "status", 404))
    done = run(house.origin)

    assert done.exit_code == 1
    assert "→ Let the proxy pass /mcp on to the server." in done.output
    assert "skipped  4 checks: card.endpoint has to be put right first." in done.output


def test_json_is_all_there_is_on_stdout(run: Run, house: House) -> None:
    done = run(house.origin, "--json", "--cart")
    report = json.loads(done.stdout)

    assert done.exit_code == 0
    assert report["version"] == 1
    assert report["healthy"] is True
    assert [one["id"] for area in report["areas"] for one in area["checks"]][-1] == "journey.cart"


def test_without_a_url_the_store_that_is_set_up_here_is_examined(run: Run, backroom: Backroom, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "storefront.toml").write_text(STORE.format(id="pickle", port=port, url=backroom.url))
    done = run()

    assert done.exit_code == 1
    assert "Maho answers at" in done.output
    assert "→ Start it: storefront-mcp serve" in done.output


def test_one_of_several_stores_has_to_be_chosen(run: Run, backroom: Backroom, house: House, tmp_path: Path) -> None:
    stores = [STORE.format(id=id_, port=port, url=backroom.url) for id_, port in (("one", 1), ("two", 2))]
    (tmp_path / "storefront.toml").write_text("".join(stores))
    unsaid = run()
    chosen = run(house.origin, "--config", "storefront.toml", "--store", "two", "--json")

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
    (state / "demo.toml").write_text(f"port = {free_port()}\n")
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
