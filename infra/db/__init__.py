"""Databases: engines, sessions, statements, migrations, time limits and outages."""
