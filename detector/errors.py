"""What can go wrong in a way that an operator can mend.

```
IotidsError        exit 1
├── UsageError     exit 2   the command line contradicts itself
├── ConfigError    exit 2   the configuration file
├── CaptureError   exit 3   an interface or a capture file
└── BundleError    exit 4   the model on disk
```

Each message is one line that says what was received, what was expected and how to fix it. Only
`cli.main` catches these. Anything else that escapes is a defect of ours. A bad *packet* or *flow*
is never an exception: it is a counted drop with a reason.
"""


class IotidsError(Exception):
    """The base of all errors that end the program with one line instead of a traceback."""

    exit_code = 1


class UsageError(IotidsError):
    """The command line asks for something that cannot be done."""

    exit_code = 2


class ConfigError(IotidsError):
    """The configuration cannot be used; the message lists every problem found."""

    exit_code = 2


class CaptureError(IotidsError):
    """An interface or a capture file cannot be opened, or broke while it was read."""

    exit_code = 3


class BundleError(IotidsError):
    """The model bundle is missing, damaged, or made for another detector."""

    exit_code = 4
