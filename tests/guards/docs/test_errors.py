"""docs/errors.md is what the server's table of errors says."""

from storefront_mcp.mcp.errors import ERROR_RENDERINGS
from storefront_mcp.mcp.jsonrpc import ErrorCode
from tests.guards.docs import errors_page
from tests.guards.docs.markdown import ROOT, anchors

PAGE = ROOT / "docs" / "errors.md"


def test_the_page_is_generated_from_the_table(update_goldens: bool) -> None:
    if update_goldens:
        PAGE.write_text(errors_page.page(), encoding="utf-8")

    assert PAGE.read_text(encoding="utf-8") == errors_page.page(), "run make goldens"


def test_every_error_is_explained() -> None:
    assert set(errors_page.samples()) == set(ERROR_RENDERINGS)
    assert {kind.code for kind in ERROR_RENDERINGS} <= anchors(PAGE)
    assert set(errors_page._CODES) == set(ErrorCode)


def test_no_error_shows_what_is_for_the_log_only() -> None:
    assert "for the log" not in errors_page.page()
