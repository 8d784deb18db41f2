"""What stands for a customer: the same for one mailbox, and for guessing for all that a shop may take for it."""

import pytest

from storefront_mcp.commerce.ids import StoreId
from storefront_mcp.oauth.customer_digests import CustomerDigests

DIGESTS = CustomerDigests(StoreId("pickle"), b"key")


@pytest.mark.parametrize(
    ("one", "other", "is_same", "is_guessed_as_same"),
    [
        ("Ada@Pickle.example ", "ada@pickle.example", True, True),
        ("jos\u00e9@pickle.example", "jose\u0301@pickle.example", True, True),
        ("jos\u00e9@pickle.example", "jose@pickle.example", False, True),
        ("stra\u00dfe@pickle.example", "strasse@pickle.example", False, True),
        ("\uff41da@pickle.example", "ada@pickle.example", False, True),
        ("ada@pickle.example", "bo@pickle.example", False, False),
    ],
)
def test_two_mailboxes_are_two_unless_a_database_may_take_them_for_one_and_somebody_guesses(
    one: str, other: str, *, is_same: bool, is_guessed_as_same: bool
) -> None:
    assert (DIGESTS.mailbox(one) == DIGESTS.mailbox(other)) is is_same
    assert (DIGESTS.guessed_mailbox(one) == DIGESTS.guessed_mailbox(other)) is is_guessed_as_same
    assert DIGESTS.mailbox(one) != DIGESTS.guessed_mailbox(one)
