"""A manager's key, which the first start of a gateway makes in the tests."""

KEY = "comanda_" + "k" * 43
"""The secret of the first key."""

AUTHORIZED = {"authorization": f"Bearer {KEY}"}
"""The header of a manager."""

AUTHORIZATION = b"Authorization: Bearer " + KEY.encode() + b"\r\n"
"""The same, as it is sent."""
