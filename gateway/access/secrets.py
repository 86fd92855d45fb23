"""Makes and checks secrets: keys and codes (random, so a fast hash will do), PINs (scrypt), signed table codes."""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import unicodedata

KEY_PREFIX = "comanda_"
KEY_PATTERN = rf"^{KEY_PREFIX}[A-Za-z0-9_-]{{43}}$"
PIN_PATTERN = r"^[0-9]{4,8}$"

LONG_PIN = 6
"""From how many digits on a PIN may sign in on a device that is not paired."""

LONGEST_TABLE = 40

PIN_COST = {"n": 2**14, "r": 8, "p": 1}
"""The parameters of scrypt."""

_SIGNATURE_BYTES = 16

_is_pin = re.compile(PIN_PATTERN).fullmatch


def new_key() -> str:
    """Return a key of 256 random bits."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def new_session() -> str:
    """Return the id of a session: 256 random bits."""
    return secrets.token_urlsafe(32)


def new_code() -> str:
    """Return a code of 128 random bits, which lives for minutes."""
    return secrets.token_urlsafe(16)


def new_id() -> str:
    """Return a short name for a row, which is no secret."""
    return secrets.token_hex(4)


def new_table_secret() -> str:
    """Return the key that signs table codes."""
    return secrets.token_hex(32)


def fast_hash(secret: str | bytes) -> str:
    """Return the hash by which a random secret is stored and looked up."""
    return hashlib.sha256(secret.encode() if isinstance(secret, str) else secret).hexdigest()


def hash_pin(pin: str) -> str:
    """Return the slow hash of a PIN, with its salt: 16 MB and some 50 ms of a processor."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}${_scrypt(pin, salt).hex()}"


def is_pin_of(pin: str, stored: str | None) -> bool:
    """Return whether a PIN has this hash; without a hash it takes as long, and returns False."""
    salt, _, expected = (stored or _NOBODY).partition("$")
    is_right = hmac.compare_digest(_scrypt(pin, bytes.fromhex(salt)), bytes.fromhex(expected))
    return is_right and stored is not None


def is_pin(text: str) -> bool:
    """Return whether a text is 4 to 8 digits."""
    return _is_pin(text) is not None


def table_code(secret: str, table: str) -> str:
    """Return the signed code of a table, which stands in the address that its QR code holds."""
    name = base64.urlsafe_b64encode(table.encode()).decode().rstrip("=")
    return f"{name}.{_sign(secret, name)}"


def table_of_code(secret: str, code: str) -> str | None:
    """Return the table whose code this is; None where the signature is not this restaurant's present one."""
    name, _, signature = code.partition(".")
    if not code.isascii() or not hmac.compare_digest(_sign(secret, name).encode(), signature.encode()):
        return None
    try:
        table = base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
    return unicodedata.normalize("NFC", table)


def _sign(secret: str, name: str) -> str:
    digest = hmac.digest(bytes.fromhex(secret), name.encode(), "sha256")[:_SIGNATURE_BYTES]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _scrypt(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, dklen=32, **PIN_COST)


_NOBODY = f"{'00' * 16}${'00' * 32}"
"""A hash that no PIN has."""
