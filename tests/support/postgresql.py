"""Empty databases on a PostgreSQL server."""

import uuid

import psycopg


def let_syncs_be(server: str) -> None:
    """Keep a server that no test takes the power from off a disk that all tests share."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")


def new_postgresql_database(server: str, options: str = "") -> str:
    """Create an empty database on a server and return its URL; `options` are SQL's."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" {options}')  # a name cannot be a parameter
    head, _, tail = server.partition("/postgres?")
    return f"{head}/{name}?{tail}" if tail else f"{server.rsplit('/', 1)[0]}/{name}"
