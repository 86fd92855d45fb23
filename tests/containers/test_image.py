"""The image: small, without a compiler, not root's, and the same for every program."""

import json

import pytest

from tests.containers.conftest import BASE
from tests.containers.stack import docker

pytestmark = [pytest.mark.containers, pytest.mark.timeout(300)]

LAYERS = 140_000_000
"""Bytes that we add, at most, to the base image."""


def inside(image: str, script: str) -> str:
    """Run a shell script in a container of an image, as the image's user."""
    return docker("run", "--rm", "--network=none", "--read-only", "--entrypoint", "sh", image, "-c", script)


def test_it_says_what_it_is(image: str) -> None:
    config = json.loads(docker("inspect", image))[0]["Config"]

    assert config["Labels"]["org.opencontainers.image.version"] == "0.0.1"
    assert config["Labels"]["org.opencontainers.image.revision"] == "test"
    assert config["User"] == "10001:10001"
    assert config["StopSignal"] == "SIGTERM"
    assert config["Healthcheck"]["Test"] == ["CMD", "python", "-m", "ops.health"]


def test_it_adds_little_to_its_base(image: str) -> None:
    ours, base = (int(docker("inspect", "-f", "{{.Size}}", each)) for each in (image, BASE))

    assert base < ours < base + LAYERS


@pytest.mark.parametrize("tool", ["gcc", "cc", "make", "pip", "uv", "just", "curl", "wget"])
def test_nothing_in_it_builds_or_fetches(image: str, tool: str) -> None:
    assert inside(image, f"command -v {tool} || echo none").strip() == "none"


def test_pip_is_no_module_either(image: str) -> None:
    assert "none" in inside(image, "python -c 'import pip' 2>/dev/null || echo none")


def test_only_what_runs_is_in_it(image: str) -> None:
    assert inside(image, "ls /app").split() == ["departments", "gateway", "generated", "infra", "ops", "requirements"]
    assert inside(image, "ls /app/ops").split().count("certs.py") == 0


def test_its_user_can_change_none_of_it(image: str) -> None:
    writable = inside(image, "find /app /opt /usr /etc -writable ! -type l 2>/dev/null | head; id -u").split()

    assert writable == ["10001"]


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["departments", "pool"], "departments pool: there is no menu"),
        (["gateway"], "gateway: gRPC without TLS"),
    ],
)
def test_what_is_set_wrongly_is_one_line(image: str, command: list[str], told: str) -> None:
    with pytest.raises(AssertionError) as refused:
        docker("run", "--rm", "--network=none", "-e", "COMANDA_DEPARTMENTS=bar=bar:1", image, *command)

    assert "exit code 2" in str(refused.value)
    assert told in str(refused.value)
