"""Icons of the sprite, on the server."""

from gateway.web.assets import Assets
from gateway.web.markup import Html, html

_ICON = '<svg class="icon{more}" aria-hidden="true"><use href="{sprite}#{name}"></use></svg>'


def icon(assets: Assets, name: str, *, is_large: bool = False) -> Html:
    """Return an icon, which is decoration: a text says the same. `name` is the id of a symbol in icons.svg."""
    return html(_ICON, more=" large" if is_large else "", sprite=assets.address("icons.svg"), name=name)
