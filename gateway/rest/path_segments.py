"""What is wrong with a path that is none: a short number, for example, where an order's id has to be."""

from collections.abc import Iterable, Sequence

from litestar.routes import BaseRoute
from litestar.types.internal_types import PathParameterDefinition

from gateway.rest.json_body import describe_type


def expected_segment(routes: Iterable[BaseRoute], path: str) -> str:
    """Return, as the end of a sentence, what one segment of a path has to be for the path to exist; "" for others."""
    segments = path.strip("/").split("/")
    for route in routes:
        if len(route.path_components) == len(segments):
            wrong = _wrong(route.path_components, segments)
            if len(wrong) == 1 and isinstance(wrong[0], PathParameterDefinition):
                return f": expected {describe_type(wrong[0].type)} as {wrong[0].name}"
    return ""


def _wrong(
    components: Sequence[str | PathParameterDefinition], segments: Sequence[str]
) -> list[str | PathParameterDefinition]:
    pairs = zip(components, segments, strict=True)
    return [component for component, segment in pairs if not _fits(component, segment)]


def _fits(component: str | PathParameterDefinition, segment: str) -> bool:
    if isinstance(component, str):
        return component == segment
    try:
        return component.parser is None or (bool(segment) and component.parser(segment) is not None)
    except ValueError:
        return False
