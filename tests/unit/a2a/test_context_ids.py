"""Ids of conversations: ours are recognised, and others are taken only where nobody can guess them."""

import pytest

from storefront_mcp.a2a.context_ids import ContextIds, is_unguessable


def test_an_id_is_known_to_every_worker_and_to_no_other_server() -> None:
    ids = ContextIds(b"key")
    made = ids.new()
    assert made != ids.new()
    assert ContextIds(b"key").is_ours(made)
    assert not ContextIds(b"another").is_ours(made)


@pytest.mark.parametrize("id_", ["", "ctx_", "ctx_é", "chat", "ctx_" + "0" * 48])
def test_others_are_not_ours(id_: str) -> None:
    assert not ContextIds(b"key").is_ours(id_)


@pytest.mark.parametrize("id_", ["0C3B7F0E-6c1c-4d5e-9d7a-0f6d3f3a9f11", "kJ3-9fD8sk29dLs02Kd8fhs7Dk30fSl2"])
def test_what_looks_random_is_taken_for_a_secret(id_: str) -> None:
    assert is_unguessable(id_)


@pytest.mark.parametrize(
    "id_", ["", "1", "session-1", "a" * 64, "00000000-0000-0000-0000-000000000000", "kJ3-9fD8sk29dLs02Kd8"]
)
def test_what_others_may_use_too_is_not(id_: str) -> None:
    assert not is_unguessable(id_)
