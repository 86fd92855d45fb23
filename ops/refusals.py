"""The error of a command whose request was refused."""


class Refused(Exception):
    """The request was refused: the message is one line on standard error, and the exit code is 1."""
