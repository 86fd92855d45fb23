"""The gateway's own response differs from Litestar's in nothing but its price."""

from litestar import Response

from gateway.rest.json_response import JsonResponse


def test_it_has_all_that_litestars_own_has() -> None:
    content, headers = {"order_id": "1"}, {"Location": "/orders/1"}
    own = JsonResponse(content, 201, headers)
    litestars = Response(content, status_code=201, headers=headers)
    for name in Response.__slots__:
        assert getattr(own, name) == getattr(litestars, name), name
    assert own.render(content, "application/json") == litestars.render(content, "application/json")
