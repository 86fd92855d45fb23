"""QR codes of the addresses that open tables and pair devices."""

import io

import segno

QUIET_MODULES = 4
"""How many modules are left empty around a code, as readers expect."""


def svg(address: str) -> str:
    """Return an address as an SVG document, black on white, without a size: it fills what it stands in."""
    document = io.BytesIO()
    _code(address).save(
        document, kind="svg", border=QUIET_MODULES, light="#fff", omitsize=True, xmldecl=False, nl=False
    )
    return document.getvalue().decode()


def terminal(address: str) -> str:
    """Return an address as lines of half blocks, light on dark, for a terminal that shows UTF-8."""
    lines = io.StringIO()
    _code(address).terminal(lines, border=QUIET_MODULES, compact=True)
    return lines.getvalue().rstrip("\n")


def _code(address: str) -> segno.QRCode:
    """Return the code of an address; it can be read with 15 % of it damaged."""
    return segno.make_qr(address, error="m")
