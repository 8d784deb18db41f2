"""What `serve` and `demo` say: what fails before they serve, what is open once they do, and advice that fits."""

import shlex
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from storefront_mcp.cli import main, serve
from storefront_mcp.cli.http_protocol import untested_uvicorn_notice
from storefront_mcp.cli.settings_file import settings_template
from storefront_mcp.settings.program import command_line, program

pytestmark = pytest.mark.slow

STORE = """
[[store]]
id = "{name}"
origin = "https://{name}.test"
name = "{name}"
currency = "AUD"
upstream = {{ kind = "demo" }}
"""
Run = Callable[[str], Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command line in a folder with two stores; servers end as soon as they serve."""
    monkeypatch.chdir(tmp_path)
    for variable in ("STOREFRONT_CONFIG", "STOREFRONT_STARTED_BY"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "storefront.toml").write_text(STORE.format(name="pickle") + STORE.format(name="jar"))
    monkeypatch.setattr(serve, "run_server", lambda _config, _listening, announce, *_check: announce())
    return lambda line: CliRunner().invoke(main, shlex.split(line))


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_server_says_which_phases_are_open_and_how_to_open_one(run: Run) -> None:
    run("phases open p1_browse p2_cart --store jar")
    said = run("serve --port 0").stderr

    assert "Serving https://pickle.test, https://jar.test on http://127.0.0.1:" in said
    assert "  jar: p1_browse, p2_cart are open\n" in said
    opens = "storefront-mcp phases open p1_browse --config storefront.toml --store pickle"
    assert f"  pickle: no phase is open, so agents see what is planned; to open the first: {opens}\n" in said
    assert run(opens.removeprefix("storefront-mcp ")).exit_code == 0
    assert "  pickle: p1_browse is open\n" in run("serve --port 0").stderr


def test_what_fails_is_said_and_never_that_it_serves(run: Run, tmp_path: Path) -> None:
    (tmp_path / "storefront.db").write_text("a letter, which is no database at all")
    said = run("serve --port 0")

    assert said.exit_code == 2
    assert "it is a text of 37 bytes that begins with 'a letter" in said.output
    assert "Serving" not in said.output


@pytest.mark.parametrize("edited", [False, True])
def test_the_template_is_not_served_as_it_is(run: Run, tmp_path: Path, edited: bool) -> None:
    text = settings_template().replace('origin = "https://pickle.example"', 'origin = "https://agents.shop.test"')
    (tmp_path / "storefront.toml").write_text(text if edited else settings_template())
    said = run("serve --port 0")

    assert said.exit_code == 2
    assert "store.upstream.url (https://shop.pickle.example)" in said.output
    assert ("store.origin (https://pickle.example)" in said.output) is not edited
    assert not (tmp_path / "storefront.db").exists()


def test_a_demo_is_not_served_and_the_way_to_serve_it_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "storefront.toml").unlink()
    assert run("demo --port 0").exit_code == 0
    said = run("serve")

    assert said.exit_code == 2
    assert ".storefront-demo/demo.toml is the state of a demo" in said.output
    assert "storefront-mcp demo --state .storefront-demo" in said.output
    for line in ("phases", "doctor", "keys list"):
        assert f"Store pickle of a demo: settings {tmp_path}/.storefront-demo/demo.toml" in run(line).stderr


@pytest.mark.parametrize(
    ("line", "again"),
    [
        ("demo", "storefront-mcp demo --port {next}"),
        ("demo-shop", "storefront-mcp demo-shop --port {next}"),
        ("serve", "storefront-mcp serve --config storefront.toml --port {next}"),
    ],
)
def test_where_the_port_is_taken_another_one_is_advised(run: Run, taken: int, line: str, again: str) -> None:
    said = run(f"{line} --port {taken}")

    assert said.exit_code == 2
    assert f"Cannot listen on 127.0.0.1:{taken}: Address already in use." in said.output
    assert again.format(next=taken + 1) in said.output


def test_under_make_the_advice_is_in_the_words_of_make(run: Run, taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOREFRONT_STARTED_BY", "make run")
    said = run(f"demo --port {taken}").output

    assert f"make run PORT={taken + 1}" in said
    assert "--port" not in said


@pytest.mark.parametrize("host", ["203.0.113.9", "nowhere.invalid"])
def test_where_the_address_is_the_trouble_no_port_is_advised(run: Run, host: str) -> None:
    said = run(f"serve --host {host} --port 0")

    assert said.exit_code == 2
    assert "Name an address of this machine: --host" in said.output
    assert "--port" not in said.output


@pytest.mark.parametrize("line", ["serve --port 0", "demo --port 0", "demo-shop --port 0"])
def test_every_server_says_that_another_uvicorn_was_not_tested(
    run: Run, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    notice = untested_uvicorn_notice("9.9.9")
    monkeypatch.setattr(serve, "untested_uvicorn_notice", lambda: notice)
    said = run(line)

    assert said.exit_code == 0
    assert f"{notice}\n" in said.stderr


def test_a_port_for_metrics_that_is_taken_is_said_with_one_worker_too(run: Run, taken: int, tmp_path: Path) -> None:
    settings = tmp_path / "storefront.toml"
    settings.write_text(f'[metrics]\non = true\nhost = "127.0.0.1"\nport = {taken}\n{settings.read_text()}')
    said = run("serve --port 0")

    assert said.exit_code == 2
    assert f"Metrics cannot be told on 127.0.0.1:{taken}: Address already in use." in said.output
    assert "metrics.port" in said.output


def test_a_refused_flip_makes_no_database(run: Run, tmp_path: Path) -> None:
    said = run("phases open p2_cart --store jar")

    assert said.exit_code == 2
    assert "Nothing was changed:" in said.output
    assert not (tmp_path / "storefront.db").exists()
    assert run("phases open p1_browse --store jar").exit_code == 0
    assert (tmp_path / "storefront.db").exists()


# How the program was started -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("started", "shown"),
    [
        (".venv/bin/storefront-mcp", ".venv/bin/storefront-mcp"),
        ("/a b/storefront-mcp", "'/a b/storefront-mcp'"),
        ("/x/storefront_mcp/cli/__main__.py", f"{sys.executable} -m storefront_mcp.cli"),
        ("/x/pytest/__main__.py", "storefront-mcp"),
    ],
)
def test_a_command_to_paste_names_the_program_as_it_was_started(
    started: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [started])
    assert program() == shown
    assert command_line("phases", "--config", "my demo") == f"{shown} phases --config 'my demo'"


@pytest.mark.parametrize(("variable", "short"), [(None, True), ("VIRTUAL_ENV", False), ("UV", False)])
def test_the_short_name_is_shown_where_it_works_in_another_terminal(
    variable: str | None, short: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "storefront-mcp"
    there.write_text("#!/bin/sh\n")
    there.chmod(0o755)
    for each in ("VIRTUAL_ENV", "UV"):
        monkeypatch.delenv(each, raising=False)
    if variable:
        monkeypatch.setenv(variable, "set")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [str(there)])
    assert program() == ("storefront-mcp" if short else str(there))


def test_settings_name_the_program_as_it_was_started(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/opt/shop/bin/storefront-mcp"])
    monkeypatch.setenv("STOREFRONT_WORKERS", "2")
    workers = run("serve --port 0")

    assert "run /opt/shop/bin/storefront-mcp demo-shop and set kind" in " ".join(workers.output.split())
    assert "To write one: /opt/shop/bin/storefront-mcp init" in run("serve --config elsewhere.toml").output
