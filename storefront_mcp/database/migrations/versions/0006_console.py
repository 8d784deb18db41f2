"""Console sessions, login links and usage statistics."""

import sqlalchemy as sa
from alembic import op

from storefront_mcp.database.tables.metadata import Whole

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "console_seats",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("key", sa.Text),
        sa.Column("began_at", Whole, nullable=False),
        sa.Column("expires_at", Whole, nullable=False),
    )
    op.create_index("ix_console_seats_expires_at", "console_seats", ["expires_at"])
    op.create_table(
        "console_invitations",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("expires_at", Whole, nullable=False),
    )
    op.create_index("ix_console_invitations_expires_at", "console_invitations", ["expires_at"])
    op.create_table(
        "traffic",
        sa.Column("minute", Whole, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.Text, primary_key=True) for name in ("store", "kind", "name", "client", "outcome")),
        sa.Column("count", Whole, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("slowest", sa.Double, nullable=False),
        *(
            sa.Column(name, Whole, nullable=False)
            for name in ("within_25ms", "within_100ms", "within_500ms", "within_2s", "within_10s")
        ),
        sqlite_with_rowid=False,
    )
