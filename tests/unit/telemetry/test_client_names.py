"""Which program calls."""

import pytest
from hypothesis import given, strategies as st

from storefront_mcp.telemetry.client_names import CLIENT_LABELS, LABEL_CACHE_SIZE, ClientNames


class Saying:
    """The part of a request that says who sends it."""

    def __init__(self, said: str) -> None:
        self.said = said

    def client(self) -> str:
        return self.said

    def raw_client(self) -> bytes:
        return self.said.encode()


@pytest.mark.parametrize(
    ("said", "called"),
    [
        ("claude-ai 0.1.0", "claude"),
        ("Claude-User/1.0", "claude"),
        ("openai-mcp/1.0.0", "chatgpt"),
        ("Visual Studio Code 1.104", "vscode"),
        ("Cursor/1.2", "cursor"),
        ("python-httpx/0.28.1", "python-sdk"),
        ("Mozilla/5.0 (X11; Linux)", "browser"),
        ("buyer-bot/3", "other"),
        (" ", "unknown"),
    ],
)
def test_known_programs_are_recognised(said: str, called: str) -> None:
    clients = ClientNames()
    assert clients.label(Saying(said)) == called
    assert clients.label(Saying(said)) == called, "remembered"


@given(st.lists(st.text(max_size=300), max_size=20))
def test_whatever_clients_say_only_known_names_come_out(said: list[str]) -> None:
    clients = ClientNames()
    assert {clients.label(Saying(client)) for client in said} <= CLIENT_LABELS


def test_memory_has_an_end() -> None:
    clients = ClientNames()
    for number in range(3 * LABEL_CACHE_SIZE):
        clients.label(Saying(f"bot {number}"))
    assert len(clients._known) <= LABEL_CACHE_SIZE
