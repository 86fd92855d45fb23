import re
from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import Meta

from infra.addresses import Address, join_address
from infra.errors import SettingsError
from infra.settings import PATH, describe, read_settings, variable


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    home: Annotated[str, Meta(description="A folder.")] = ".here"
    port: Annotated[int, Meta(ge=0, le=65535, description="A port.")] = 80
    own_port: Annotated[Annotated[int, Meta(ge=1)] | None, Meta(description="Perhaps a port.")] = None
    wait: Annotated[Annotated[float, Meta(gt=0, le=60)], Meta(description="Seconds.")] = 2.5
    loud: Annotated[bool, Meta(description="Whether.")] = False
    level: Annotated[Literal["low", "high"], Meta(description="How much.")] = "low"
    places: Annotated[dict[str, Annotated[str, Meta(pattern=r"^[^:\s]+:[0-9]+$")]], Meta(description="Where.")] = (
        msgspec.field(default_factory=lambda: {"bar": "localhost:1", "kitchen": "localhost:2"})
    )
    hosts: Annotated[list[str], Meta(description="Which.")] = msgspec.field(default_factory=lambda: ["a", "b"])


def read(**environ: str) -> Settings:
    return read_settings(Settings, "my-bar", {f"COMANDA_{name}": value for name, value in environ.items()})


def test_a_setting_that_is_not_there_has_its_default() -> None:
    assert read() == Settings()


def test_every_kind_of_setting_is_read() -> None:
    assert read(
        HOME="/data", PORT="0", OWN_PORT="1", WAIT="60", LOUD="true", LEVEL="high", PLACES="a=x:1, b=y:2", HOSTS="c, d,"
    ) == Settings(
        home="/data",
        port=0,
        own_port=1,
        wait=60.0,
        loud=True,
        level="high",
        places={"a": "x:1", "b": "y:2"},
        hosts=["c", "d"],
    )


def test_the_narrower_name_wins() -> None:
    assert read(PORT="1", MY_BAR_PORT="2").port == 2
    assert read(MY_BAR_PORT="2").port == 2


def test_another_programs_name_is_not_read() -> None:
    assert read(KITCHEN_PORT="2").port == 80


def test_an_empty_or_blank_value_counts_as_not_there() -> None:
    assert read(MY_BAR_PORT=" ", PORT="3", HOME="") == Settings(port=3)


def test_blanks_around_a_value_do_not_matter() -> None:
    assert read(PORT=" 3 ", LEVEL="high\n") == Settings(port=3, level="high")


def test_variables_are_named_after_their_program_and_field() -> None:
    assert variable("max_lines") == "COMANDA_MAX_LINES"
    assert variable("max_lines", "my-bar") == "COMANDA_MY_BAR_MAX_LINES"


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("PORT", "http", "`int`"),
        ("PORT", "1.5", "`int`"),
        ("PORT", "-1", ">= 0"),
        ("PORT", "65536", "<= 65535"),
        ("PORT", "9" * 40, "<= 65535"),
        ("MY_BAR_PORT", "65536", "<= 65535"),
        ("OWN_PORT", "0", ">= 1"),
        ("WAIT", "soon", "`float`"),
        ("WAIT", "0", "> 0"),
        ("WAIT", "nan", "> 0"),
        ("WAIT", "inf", "<= 60"),
        ("LOUD", "loud", "`bool`"),
        ("LEVEL", "medium", "expected one of low, high"),
        ("LEVEL", "HIGH", "expected one of low, high"),
        ("PLACES", "bar", "expected name=host:port, separated by commas"),
        ("PLACES", "bar=", "expected name=host:port, separated by commas"),
        ("PLACES", "=localhost:1", "expected name=host:port, separated by commas"),
        ("PLACES", "bar=localhost:1,", "expected name=host:port, separated by commas"),
        ("PLACES", "bar=localhost", r"^[^:\\s]+:[0-9]+$"),
        ("PLACES", "bar=local host:1", r"^[^:\\s]+:[0-9]+$"),
    ],
)
def test_a_value_that_is_not_allowed_is_one_line_with_variable_value_and_rule(
    name: str, value: str, allowed: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        read(**{name: value})
    message = str(refusal.value)
    assert message.startswith(f"COMANDA_{name}={value!r} is not allowed: ")
    assert allowed in message
    assert "\n" not in message


def test_a_name_that_stands_twice_among_places_is_refused() -> None:
    with pytest.raises(SettingsError, match="'bar' occurs twice"):
        read(PLACES="bar=localhost:1,bar=localhost:2")


def test_the_manual_gets_every_variable_with_its_default_and_meaning() -> None:
    assert list(describe(Settings)) == [
        ("COMANDA_HOME", ".here", "A folder."),
        ("COMANDA_PORT", "80", "A port."),
        ("COMANDA_OWN_PORT", "", "Perhaps a port."),
        ("COMANDA_WAIT", "2.5", "Seconds."),
        ("COMANDA_LOUD", "False", "Whether."),
        ("COMANDA_LEVEL", "low", "How much."),
        ("COMANDA_PLACES", "bar=localhost:1,kitchen=localhost:2", "Where."),
        ("COMANDA_HOSTS", "a,b", "Which."),
    ]


class Paths(msgspec.Struct, frozen=True, kw_only=True):
    home: Annotated[str, Meta(description="A folder.", extra=PATH)] = "~/data"
    title: Annotated[str, Meta(description="A text.")] = ""
    at: Annotated[dict[str, Address], Meta(description="Where.")] = msgspec.field(default_factory=dict)


def read_paths(**environ: str) -> Paths:
    return read_settings(Paths, "bar", {f"COMANDA_{name}": value for name, value in environ.items()})


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/chef")
    assert read_paths(HOME="~/comanda").home == "/home/chef/comanda"
    assert read_paths(HOME="/data/~/comanda").home == "/data/~/comanda"
    assert read_paths(TITLE="~/comanda").title == "~/comanda"
    with pytest.raises(SettingsError, match=r"^COMANDA_HOME='~nobody-here/x' is not allowed: there is no home folder"):
        read_paths(HOME="~nobody-here/x")


DECOMPOSED, COMPOSED = "Cafe\u0301", "Caf\u00e9"


def test_text_is_normalised_and_a_path_is_what_it_is() -> None:
    paths = read_paths(TITLE=DECOMPOSED, HOME=f"/{DECOMPOSED}")
    assert (paths.title, paths.home) == (COMPOSED, f"/{DECOMPOSED}")


def test_an_address_is_a_host_and_a_port() -> None:
    at = read_paths(AT="bar=localhost:50051,grill=[::1]:50052").at
    assert at == {"bar": "localhost:50051", "grill": "[::1]:50052"}
    assert [(each.host, each.port) for each in at.values()] == [("localhost", 50051), ("::1", 50052)]


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("localhost:99999", "'localhost:99999' has no port from 1 to 65535"),
        ("localhost:0", "'localhost:0' has no port from 1 to 65535"),
        ("localhost", "'localhost' is not host:port"),
        (":50051", "':50051' is not host:port"),
        ("local host:50051", "'local host:50051' is not host:port"),
        ("::1:50051", "'::1:50051' is not host:port; an IPv6 address stands in brackets, as in [::1]:50051"),
        ("[]:50051", "'[]:50051' is not host:port"),
    ],
)
def test_what_is_no_address_is_refused_with_the_reason(address: str, reason: str) -> None:
    with pytest.raises(SettingsError, match=f"^COMANDA_AT='bar={re.escape(address)}' is not allowed: ") as refusal:
        read_paths(AT=f"bar={address}")
    assert str(refusal.value).endswith(f"is not allowed: {reason}")


def test_a_host_and_a_port_are_written_so_that_they_can_be_told_apart() -> None:
    assert [Address.of("bar", 1), Address.of("::1", 2)] == ["bar:1", "[::1]:2"]
    assert join_address("::", 0) == "[::]:0"
