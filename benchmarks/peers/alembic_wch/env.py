"""What Alembic runs around the revisions; the connection is the caller's, as its cookbook has it."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
