"""The version of Comanda; a test compares it with pyproject.toml and with the image's."""

VERSION = "0.1.0"
