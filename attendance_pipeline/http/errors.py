"""How a vendor can fail to answer, told apart (an empty day is none of these: it is an answer).

VendorError
├── OutageError       no usable answer after every attempt: try again later
├── RefusedError      credentials or scopes: the same request will be refused again
├── QuotaError        the day's requests are spent: goes on at `resumes_at`
└── ForeignHostError  the vendor sent us to a host that gets no token
"""

from datetime import datetime, timedelta

from attendance_pipeline.errors import AttendanceError


class VendorError(AttendanceError):
    """A vendor's answer, or its absence, that stops what was asked for."""


class OutageError(VendorError):
    """The vendor can't be reached, or answers with faults, after every attempt.

    Attributes:
        status: the HTTP status of the last attempt; 0 where there was no usable answer at all.
        wait: what the vendor asked for before another attempt.
    """

    def __init__(self, message: str, status: int = 0, wait: timedelta | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.wait = wait


class RefusedError(VendorError):
    """The vendor refuses these credentials, or they lack a scope."""


class ForeignHostError(VendorError):
    """A link or redirect leads to a host that isn't the vendor's."""


class QuotaError(VendorError):
    """The vendor account's requests for the day are spent.

    Attributes:
        resumes_at: when the vendor answers again, UTC.
    """

    def __init__(self, message: str, resumes_at: datetime) -> None:
        super().__init__(message)
        self.resumes_at = resumes_at
