"""Alembic's environment for both programs: `infra/db/migrations.py` passes the connection and the versions in."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
