"""The command lines of the peers' programs."""

import argparse
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class GatewayArguments:
    """Where a gateway listens, where its departments are, and the SQLite file of one that keeps its orders."""

    port: int
    departments: dict[str, str]
    database: str


@dataclass(frozen=True, slots=True)
class DepartmentArguments:
    """Where a department listens, what it sells, and the SQLite file of one that keeps its stock."""

    port: int
    menu: Path
    database: str


def gateway_arguments() -> GatewayArguments:
    """Read a gateway's command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", default="")
    parser.add_argument("departments", nargs="*", help="name=host:port")
    given = parser.parse_args()
    return GatewayArguments(given.port, dict(pair.split("=", 1) for pair in given.departments), given.database)


def department_arguments() -> DepartmentArguments:
    """Read a department's command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", default="")
    parser.add_argument("menu", type=Path)
    given = parser.parse_args()
    return DepartmentArguments(given.port, given.menu, given.database)
