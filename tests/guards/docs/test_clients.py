"""docs/agents.md lists the clients that shop and sign in here, as tests/external/clients has them do."""

from tests.external.clients.matrix import shown, shown_step_ups
from tests.guards.docs.markdown import ROOT, is_generated


def test_the_clients_are_those_that_are_tested(update_goldens: bool) -> None:
    made = shown()

    assert is_generated(ROOT / "docs" / "agents.md", "clients", made, update=update_goldens) == made, "run make goldens"


def test_what_clients_do_when_they_lack_a_permission_is_what_was_tested(update_goldens: bool) -> None:
    made = shown_step_ups()

    assert is_generated(ROOT / "docs" / "agents.md", "step_up", made, update=update_goldens) == made, "run make goldens"
