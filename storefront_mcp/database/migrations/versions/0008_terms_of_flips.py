"""Terms of flips, emergency stops, and scheduled flips."""

import sqlalchemy as sa
from alembic import op

from storefront_mcp.database.tables.metadata import refuse_trigger

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add them."""
    op.add_column("flips", sa.Column("terms", sa.Text))
    op.create_table(
        "stops",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("stopped", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
    )
    op.create_index("stops_by_store", "stops", ["store", "scope", "client", "number"])
    refuse_trigger(op.get_bind(), "stops")
    op.create_table(
        "scheduled_flips",
        sa.Column("id", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("store", "changes", "terms", "by", "at", "outcome")),
    )
    op.create_index("scheduled_flips_by_outcome", "scheduled_flips", ["outcome", "at"])
