"""What all tests need."""

import signal


def pytest_configure() -> None:
    # A shell lets what it runs in the background ignore Ctrl-C, and all that it starts.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
