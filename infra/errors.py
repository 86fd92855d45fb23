"""What can go wrong below the restaurant.

PlumbingError
├── StartError           the program cannot start: one clear line and exit code 2
│   └── SettingsError    a setting is wrong or unknown
└── DatabaseError        a transaction did not run, or nobody knows whether it was committed
"""


class PlumbingError(Exception):
    """Anything that this package raises on purpose."""


class StartError(PlumbingError):
    """The program cannot start; the message is the one line that its user reads."""


class SettingsError(StartError):
    """A setting is wrong; the message names the variable, its value and what is allowed."""


class DatabaseError(PlumbingError):
    """The database refused or broke off a transaction; the message is the driver's first line."""
