"""Makes betterproto messages that are nothing but columns, and numbers or texts, cheap to build, to read and to touch.

A betterproto message runs Python code for every attribute that is set or read, to keep track of oneofs and of defaults.
A message of scalars and repeated scalars has no oneofs, and its defaults are known when it is made. For such a message
the language's own attribute access does the same at a tenth of the cost; on the order path that is the larger part of
what a call costs.
"""

from typing import Any

import betterproto


def make_lean(*kinds: type[betterproto.Message]) -> None:
    """Give messages of scalars and columns plain attributes; raises TypeError for a message that has other fields."""
    for kind in kinds:
        _demand_scalars(kind)
        defaults = tuple(_metadata(kind).default_gen.items())

        def fill(self: betterproto.Message, defaults: Any = defaults) -> None:
            state = self.__dict__
            for name, default in defaults:
                if state[name] is betterproto.PLACEHOLDER:
                    state[name] = default()
            state["_serialized_on_wire"] = True
            state["_unknown_fields"] = b""
            state["_group_current"] = {}

        for attribute, method in (
            ("__post_init__", fill),
            ("__getattribute__", object.__getattribute__),
            ("__setattr__", object.__setattr__),
        ):
            setattr(kind, attribute, method)


def _metadata(kind: type[betterproto.Message]) -> Any:
    return kind._betterproto  # type: ignore[arg-type]  # its classproperty is typed for nothing


def _demand_scalars(kind: type[betterproto.Message]) -> None:
    for name, meta in _metadata(kind).meta_by_field_name.items():
        if meta.proto_type in (betterproto.TYPE_MESSAGE, betterproto.TYPE_MAP) or meta.group or meta.optional:
            raise TypeError(f"{kind.__name__}.{name} is neither a scalar nor a column of scalars")
