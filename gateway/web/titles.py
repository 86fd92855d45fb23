"""The names of departments and items, in the language of a view."""

from gateway.tickets.store import Picture
from gateway.web.view import View


def title_of(view: View, picture: Picture) -> str:
    """Return a department's name in the view's language."""
    titles = {} if picture.menu is None else picture.menu.titles
    return view.t.title(titles, picture.department.capitalize())


def item_title(view: View, picture: Picture, item_id: str) -> str:
    """Return an item's name in the view's language; its id where the menu does not have it any more."""
    items = () if picture.menu is None else picture.menu.items
    titles = next((item.titles for item in items if item.id == item_id), {})
    return view.t.title(titles, item_id)
