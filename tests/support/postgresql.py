"""Empty databases on a PostgreSQL server."""

import uuid

import psycopg


def let_syncs_be(server: str) -> None:
    """Keep a server that no test takes the power from off a disk that all tests share, and from vacuuming.

    The tests make hundreds of databases, of which none lives for long: with each, it would vacuum more often.
    """
    with psycopg.connect(server, autocommit=True) as connection:
        for setting in ("fsync", "autovacuum"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")


def new_postgresql_database(server: str, options: str = "") -> str:
    """Create an empty database on a server and return its URL; `options` are SQL's."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        # To copy files takes less than to write each of their pages to the log. A name cannot be a parameter.
        connection.execute(f'CREATE DATABASE "{name}" STRATEGY FILE_COPY {options}')
    head, _, tail = server.partition("/postgres?")
    return f"{head}/{name}?{tail}" if tail else f"{server.rsplit('/', 1)[0]}/{name}"
