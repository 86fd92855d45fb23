"""`/board`: the numbers that are being made and that are ready, for guests, on a wall."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Annotated, Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from gateway.domain.access import Action
from gateway.domain.lines import TicketState
from gateway.tickets.store import Picture
from gateway.tickets.watching import LiveDepartments
from gateway.web.document import Page, Site
from gateway.web.markup import Html, html, joined
from gateway.web.tables import SHOWN
from gateway.web.titles import title_of
from gateway.web.view import View

BOARD = Page("board", "board/main.js", ("styles/board.css",), ("board",), is_wide=True)

MOST_NUMBERS = 60
"""Numbers that the document has in each half; its modules get all of them."""

FADING_MINUTES = 10
"""After how long a number that is ready, and that nobody has served, fades away."""

_CONTENT = """<div id="board-app" class="board"><h1 class="visually-hidden">{title}</h1>
<section class="half is-ready"><h2 class="half-title">{ready}</h2><ul class="numbers">
{ready_numbers}</ul></section>
<section class="half is-making"><h2 class="half-title">{making}</h2><ul class="numbers">
{making_numbers}</ul></section>
</div>
<p id="board-news" class="visually-hidden" role="status" aria-live="polite"></p>"""

_NUMBER = """<li class="number">{number}</li>
"""


@get("/board", include_in_schema=False, action=Action.BOARD_OPEN)
async def get_board(
    live: NamedDependency[LiveDepartments],
    site: NamedDependency[Site],
    view: NamedDependency[View],
    minutes: Annotated[
        int, QueryParameter(ge=0, le=240, description="After how long a ready number fades away.")
    ] = FADING_MINUTES,
) -> Response[Any]:
    """Return numbers only: no names, notes or tables."""
    pictures = await live.pictures()
    making, ready = _halves(pictures)
    title = view.t("board.title")
    content = html(
        _CONTENT,
        title=title,
        ready=view.t("board.ready"),
        making=view.t("board.making"),
        ready_numbers=_numbers(ready),
        making_numbers=_numbers(making),
    )
    data = {
        "minutes": minutes,
        "titles": {picture.department: title_of(view, picture) for picture in pictures},
    }
    return site.document(view, BOARD, title, content, data=data)


def _halves(pictures: Iterable[Picture]) -> tuple[list[int], list[int]]:
    """Return the numbers that are being made, and those of which everything is ready."""
    states: dict[int, set[TicketState]] = defaultdict(set)
    for picture in pictures:
        for ticket in picture.open.values():
            if ticket.number and ticket.state in SHOWN:
                states[ticket.number].add(ticket.state)
    ready = [number for number, found in states.items() if found == {TicketState.READY}]
    return sorted(states.keys() - set(ready)), sorted(ready)


def _numbers(numbers: list[int]) -> Html:
    return joined(html(_NUMBER, number=number) for number in numbers[:MOST_NUMBERS])
