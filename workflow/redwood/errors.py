"""The one error that a user's input can cause."""


class InputError(Exception):
    """Bad input: a file, a value or a configuration that cannot be used.

    The message is one line that names the file, the row or key, the value found and what was
    expected. The command line prints it without a traceback and exits with status 1.
    """
