"""Idempotency keys of checkouts belong to a cart; those that are known, to the cart of their checkout."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the table anew: its primary key has one column more."""
    op.execute(
        "CREATE TEMPORARY TABLE known_keys AS SELECT checkout_keys.*, checkouts.cart "
        "FROM checkout_keys JOIN checkouts ON checkouts.id = checkout_keys.checkout"
    )
    op.drop_table("checkout_keys")
    op.create_table(
        "checkout_keys",
        sa.Column("store", sa.Text, primary_key=True),
        sa.Column("cart", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("checkout", sa.Text, nullable=False),
    )
    op.create_index("ix_checkout_keys_checkout", "checkout_keys", ["checkout"])
    op.execute(
        "INSERT INTO checkout_keys (store, cart, key, request, checkout) "
        "SELECT store, cart, key, request, checkout FROM known_keys"
    )
    op.execute("DROP TABLE known_keys")
