"""Databases: engines, sessions, statements, migrations and what watches over them."""
