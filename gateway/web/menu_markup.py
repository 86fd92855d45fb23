"""The menu as HTML, as `static/order/menu_view.js` renders it once the modules run."""

import unicodedata
from collections.abc import Iterable, Iterator
from itertools import groupby

from gateway.domain.menu import MenuItem, MenuSnapshot
from gateway.web.document import Site
from gateway.web.icons import icon
from gateway.web.markup import Html, html, joined
from gateway.web.money import money
from gateway.web.view import View

FEW = 5
"""Up to how many that are left a guest learns the number."""

_DEPARTMENT = """<section class="menu-department" aria-labelledby="title-{name}">
<h2 id="title-{name}">{title}</h2>
{content}</section>
"""

_CATEGORY = """<h3 class="menu-category" id="{id}"{hidden}>{title}</h3>
<ul class="menu-items">
{items}</ul>
"""

_ITEM = """<li class="menu-item{is_off}" data-department="{department}" data-item="{id}">
<span class="menu-item-title">{title}</span>
<p class="menu-item-facts"><span class="menu-item-price">{price}</span>{note}</p>
<div class="menu-item-add"></div></li>
"""

_EMPTY = """<div class="empty">{icon}<p>{text}</p></div>"""


def menu_html(site: Site, view: View, menus: Iterable[MenuSnapshot], query: str) -> Html:
    """Return the menu, or what a guest searches for."""
    found = [each for each in (_found(menu, query) for menu in menus) if each.items or not query]
    if not any(menu.items for menu in found):
        text = view.t("order.nothing_found", text=query) if query else view.t("order.no_menu")
        return html(_EMPTY, icon=icon(site.assets, "search" if query else "offline"), text=text)
    return joined(_department(site, view, menu) for menu in found)


def chips_html(view: View, menus: Iterable[MenuSnapshot]) -> Html:
    """Return links to the categories."""
    return joined(
        html('<a class="chip" href="#{id}">{title}</a>', id=category_id, title=_capital(category) or _title(view, menu))
        for menu in menus
        for category_id, category, _ in _categories(menu)
    )


def _found(menu: MenuSnapshot, query: str) -> MenuSnapshot:
    """Return only what a guest searches for, in any language of the menu."""
    wanted = _plain(query)
    items = [
        item
        for item in menu.items
        if any(wanted in _plain(text) for text in (item.id, item.category, *item.titles.values()))
    ]
    return MenuSnapshot(menu.name, menu.is_open, menu.titles, items)


def _plain(text: str) -> str:
    """Return text without capitals and accents."""
    parts = (each for each in unicodedata.normalize("NFD", text) if not unicodedata.combining(each))
    return unicodedata.normalize("NFC", "".join(parts)).strip().lower()


def _title(view: View, menu: MenuSnapshot) -> str:
    return view.t.title(menu.titles, menu.name.capitalize())


def _department(site: Site, view: View, menu: MenuSnapshot) -> Html:
    if menu.is_open:
        content = joined(_category(site, view, menu, *each) for each in _categories(menu))
    else:
        content = html('<p class="menu-away">{text}</p>\n', text=view.t("order.department_away"))
    return html(_DEPARTMENT, name=menu.name, title=_title(view, menu), content=content)


def _categories(menu: MenuSnapshot) -> Iterator[tuple[str, str, list[MenuItem]]]:
    """Yield the categories in the order of their first items: the id of the heading, the name, the items."""
    order = {item.category: place for place, item in reversed(list(enumerate(menu.items)))}
    ordered = sorted(menu.items, key=lambda item: order[item.category])
    for place, (category, group) in enumerate(groupby(ordered, key=lambda item: item.category)):
        yield f"menu-{menu.name}-{place}", category, list(group)


def _category(site: Site, view: View, menu: MenuSnapshot, category_id: str, name: str, items: list[MenuItem]) -> Html:
    return html(
        _CATEGORY,
        id=category_id,
        hidden=None if name else Html(" hidden"),
        title=_capital(name),
        items=joined(_item(site, view, menu.name, item) for item in items),
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _item(site: Site, view: View, department: str, item: MenuItem) -> Html:
    return html(
        _ITEM,
        is_off=None if item.on_sale and item.available != 0 else " is-off",
        department=department,
        id=item.id,
        title=view.t.title(item.titles, item.id),
        price=money(item.price, site.currency.code, site.currency.exponent, view.t.language),
        note=_availability(view, item),
    )


def _availability(view: View, item: MenuItem) -> Html | None:
    """Return what a guest has to know of an item's stock, if anything."""
    if not item.on_sale:
        return html(' <span class="tag">{text}</span>', text=view.t("order.off_sale"))
    if item.available is None or item.available > FEW:
        return None
    if not item.available:
        return html(' <span class="tag">{text}</span>', text=view.t("order.sold_out"))
    return html(' <span class="tag warn">{text}</span>', text=view.t("order.left", count=item.available))
