"""Alembic environment: migrations run on the connection and in the transaction of `database.schema`."""

from alembic import context

from storefront_mcp.database.tables import METADATA

# Only while Alembic runs this file.
if hasattr(context, "config"):
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=METADATA,
        # SQLite alters most things by copying the table.
        render_as_batch=True,
    )
    context.run_migrations()
