"""docs/protocols.md says what odd requests get, as a test sends them."""

from tests.guards.docs.markdown import ROOT, is_generated
from tests.unit.web.odd_requests import shown


def test_odd_requests_get_what_the_manual_says(update_goldens: bool) -> None:
    made = shown()

    assert is_generated(ROOT / "docs" / "protocols.md", "odd requests", made, update=update_goldens) == made, (
        "run make goldens"
    )
