"""`COMANDA_CORS_ORIGINS`: what is an origin, and what is not."""

import pytest

from gateway.settings import GatewaySettings
from infra.errors import SettingsError
from infra.settings import read_settings

OURS = "https://orders.example.org"
ALSO_OURS = "http://127.0.0.1:5173"


@pytest.mark.parametrize(
    "origins",
    [
        OURS,
        ALSO_OURS,
        "http://localhost",
        "http://[::1]:3000",
        f" {OURS} , {ALSO_OURS} ",
        "https://xn--caf-dma.example",
    ],
)
def test_origins_are_set_by_name(origins: str) -> None:
    settings = read_settings(GatewaySettings, "gateway", {"COMANDA_CORS_ORIGINS": origins})
    assert settings.cors_origins == [origin.strip() for origin in origins.split(",")]


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "orders.example.org",
        f"{OURS}/",
        f"{OURS}/menu",
        "https://*.example.org",
        "HTTPS://A.org",
        "ftp://a",
    ],
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(SettingsError, match="COMANDA_CORS_ORIGINS"):
        read_settings(GatewaySettings, "gateway", {"COMANDA_CORS_ORIGINS": f"{OURS},{origin}"})
