"""`demo --open`: a page in a browser where there is a window for one, a word where there is none."""

import threading
import webbrowser

import pytest

from storefront_mcp.cli.browser import has_screen, open_page

PAGE = "http://127.0.0.1:8000/"


@pytest.mark.parametrize(
    ("environ", "platform", "screen"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ""}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"BROWSER": "firefox"}, "linux", True),
        ({}, "darwin", True),
    ],
)
def test_a_browser_needs_a_screen(environ: dict[str, str], platform: str, screen: bool) -> None:
    assert has_screen(environ, platform) is screen


@pytest.fixture
def no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")


def opened(monkeypatch: pytest.MonkeyPatch, outcome: bool | Exception) -> list[str]:
    """What a browser was asked to show, when it answers so."""
    monkeypatch.setenv("DISPLAY", ":0")
    asked: list[str] = []

    def open_it(url: str) -> bool:
        asked.append(url)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(webbrowser, "open", open_it)
    open_page(PAGE)
    for thread in threading.enumerate():
        if thread.name == "open the browser":
            thread.join()
    return asked


@pytest.mark.usefixtures("no_screen")
def test_without_a_screen_nothing_is_started_and_the_address_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(webbrowser, "open", pytest.fail)
    open_page(PAGE)

    assert capsys.readouterr().err == f"  There is no screen here for a browser. Open {PAGE} yourself.\n"


def test_the_page_is_opened(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert opened(monkeypatch, outcome=True) == [PAGE]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("outcome", [False, webbrowser.Error("none"), OSError("none")])
def test_a_browser_that_does_not_start_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], outcome: bool | Exception
) -> None:
    assert opened(monkeypatch, outcome) == [PAGE]
    assert capsys.readouterr().err == f"  No browser could be opened. Open {PAGE} yourself.\n"
