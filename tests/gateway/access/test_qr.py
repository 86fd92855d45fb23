"""QR codes, read again by another library."""

import pytest

from gateway.access import qr
from tests.support.qr import read_svg, read_terminal

ADDRESSES = [
    "http://127.0.0.1:8000/t/Nw.5f3c",
    "https://orders.example.org/pair/" + "kq3_-" * 5,
    "http://[::1]:8000/t/a",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_svg_holds_its_address(address: str) -> None:
    assert read_svg(qr.svg(address)) == address


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_a_terminal_shows_holds_its_address(address: str) -> None:
    assert read_terminal(qr.terminal(address).splitlines()) == address


def test_an_svg_is_a_document_of_its_own_without_scripts_and_styles() -> None:
    drawn = qr.svg("http://127.0.0.1:8000/t/Nw.5f3c")
    assert drawn.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    assert not {"style", "script", "href"} & set(drawn.replace("=", " ").replace("<", " ").split())
