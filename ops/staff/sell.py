"""The command `sell`: takes an item off sale, or puts it back."""

import argparse
from collections.abc import Mapping

from ops.staff.rest import Rest, add_url
from ops.staff.show import show_stock
from ops.staff.tables import show_json

EPILOG = """
  python -m ops sell off bar latte
  python -m ops sell on bar latte

exit code: 0 it was done, 1 it was refused, 2 it could not be done
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument("sale", choices=("on", "off"))
    parser.add_argument("department", help="such as bar")
    parser.add_argument("item", help="such as latte")
    parser.add_argument("--by", default="", help="who does it")
    add_url(parser)


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Take an item off sale, or put it back; returns 0."""
    rest = Rest(arguments.url, environ)
    body = {"on_sale": arguments.sale == "on", "changed_by": arguments.by}
    stock = rest.send("PUT", "stock", arguments.department, arguments.item, "sale", body=body)
    if arguments.json:
        show_json(stock)
    else:
        show_stock([stock])
    return 0
