"""The errors that `infra` raises.

InfraError
├── StartError           the program cannot start: one clear line and exit code 2
│   └── SettingsError    a setting is wrong or unknown
└── DatabaseError        a transaction failed, or its connection broke and it is not known whether it was committed
"""


class InfraError(Exception):
    """Any error that this package raises on purpose."""


class StartError(InfraError):
    """The program cannot start; the message is the one line that is printed before exit code 2."""


class SettingsError(StartError):
    """A setting is wrong; the message names the variable, its value and what is allowed."""


class DatabaseError(InfraError):
    """A transaction failed; the message is the first line of the driver's error."""
