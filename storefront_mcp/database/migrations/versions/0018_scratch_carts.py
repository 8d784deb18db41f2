"""Carts of nobody's that may hold a buyer's address."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "scratch_carts",
        sa.Column("store", sa.Text, primary_key=True),
        sa.Column("cart", sa.Text, primary_key=True),
        sa.Column("country", sa.Text, nullable=False),
        sa.Column("since", sa.Double, nullable=False),
    )
