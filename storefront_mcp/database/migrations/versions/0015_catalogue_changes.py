"""Changes that were seen in shops' catalogues."""

import sqlalchemy as sa
from alembic import op

from storefront_mcp.database.tables.metadata import Whole

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "catalogue_changes",
        sa.Column("number", Whole, primary_key=True, autoincrement=False),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
    )
    op.create_index("catalogue_changes_by_store", "catalogue_changes", ["store", "number"])
