"""The image, built once."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.containers.stack import OpenSqlite, SqliteSystem, docker
from tests.support.processes import ROOT, free_ports
from tests.support.systems import write_menu

BASE = os.environ.get("COMANDA_BASE", "python:3.13-slim")
OLD, NEW = "comanda-test:1", "comanda-test:2"
OFFICIAL = {"postgres": "postgres:17", "haproxy": "haproxy:3.0"}


def build(tag: str, folder: Path, **arguments: str) -> None:
    """Build an image."""
    options = [option for name, value in arguments.items() for option in ("--build-arg", f"{name}={value}")]
    docker("build", "--quiet", "--tag", tag, *options, str(folder))


@pytest.fixture(scope="session")
def image() -> str:
    """Build the product's image from this tree."""
    build(OLD, ROOT, BASE=BASE, VERSION="0.0.1", REVISION="test")
    return OLD


@pytest.fixture(scope="session")
def next_image(image: str) -> str:
    """Build the image of the version after it."""
    build(NEW, ROOT, BASE=BASE, VERSION="0.0.2", REVISION="test")
    return NEW


@pytest.fixture(scope="session")
def others() -> dict[str, str]:
    """Name the images of PostgreSQL and HAProxy: the official ones where they are here, else what stands in."""
    chosen = {}
    for name, official in OFFICIAL.items():
        variable = f"{name.upper()}_IMAGE"
        if not _is_here(official):
            official = f"comanda-test-{name}"
            build(official, ROOT / "tests/containers/stand_ins" / name, BASE=BASE)
        chosen[variable] = os.environ.get(variable, official)
    return chosen


@pytest.fixture(scope="module")
def open_sqlite(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSqlite]:
    """Open the stack on SQLite with menus of the test's own; it closes with the module."""
    (port,) = free_ports(1)
    folder = tmp_path_factory.mktemp("sqlite")
    variables = {"COMANDA_IMAGE": image, "COMANDA_MENUS": folder / "menus"}
    system = SqliteSystem("docker-compose.yml", f"comanda-{port}", port, variables)

    def open_(menus: Mapping[str, Mapping[str, int]]) -> SqliteSystem:
        for name, stock in menus.items():
            write_menu(folder / "menus", name, stock)
        system.up()
        system.gather_books(folder / "home")
        return system

    try:
        yield open_
    finally:
        system.close()


@pytest.fixture(scope="session", autouse=True)
def without_buildkit() -> Iterator[None]:
    """Build with the engine's own builder where the client does not say otherwise; Debian's has no other."""
    with pytest.MonkeyPatch.context() as patch:
        if "DOCKER_BUILDKIT" not in os.environ:
            patch.setenv("DOCKER_BUILDKIT", "0")
        yield


def _is_here(image: str) -> bool:
    return not subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode
