"""Errors that a user reads: one line that names the thing, the culprit and the way out.

AttendanceError
├── UsageError            the request can't be meant as given
├── StorageError          a file or folder of ours can't be read or written
├── BusyError             another run holds what this one needs
├── SchemaDriftError      a vendor's answers no longer have the shape we know
└── VendorError           (http/errors.py) a vendor's answer, or its absence
"""


class AttendanceError(Exception):
    """Something a user can act on. The message is one line, without secrets and without people's names."""


class UsageError(AttendanceError):
    """What was asked for can't be meant as given: a date, a vendor's name, a setting."""


class StorageError(AttendanceError):
    """A file or folder of ours can't be read or written."""


class BusyError(AttendanceError):
    """Another run is at work on the same data."""


class SchemaDriftError(AttendanceError):
    """Every row of a partition lacks a field or holds another type: the vendor's format has changed."""
