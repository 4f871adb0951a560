"""Errors of the launcher: each message is one line that says what is wrong and what to do."""


class LauncherError(Exception):
    """Something that the person at the keyboard can put right; shown without a traceback."""


class PortBusyError(LauncherError):
    """A port that we were told to listen on is taken."""


class AlreadyRunningError(LauncherError):
    """Another launcher owns the state folder."""


class NotReadyError(LauncherError):
    """A process did not become ready in time, or died before it did."""
