"""Alembic's environment for both programs: `Database.prepare` hands over the connection and the versions."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
