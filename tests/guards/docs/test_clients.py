"""docs/agents.md lists the clients that shop here, as tests/external/clients has them shop."""

from tests.external.clients.matrix import shown
from tests.guards.docs.markdown import ROOT, is_generated


def test_the_clients_are_those_that_are_tested(update_goldens: bool) -> None:
    made = shown()

    assert is_generated(ROOT / "docs" / "agents.md", "clients", made, update=update_goldens) == made, "run make goldens"
