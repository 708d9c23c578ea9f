"""How a step of ours fails: with one line that Dagster's pages show and alerts tell, and the name of what it was."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import isgeneratorfunction
from typing import Any, TypeVar, cast

import dagster as dg

from attendance_pipeline.errors import AttendanceError, BusyError

ERROR = "error"
"""The failure's metadata: the name of the error's class, such as RefusedError."""

Step = TypeVar("Step", bound=Callable[..., Any])


@contextmanager
def telling() -> Iterator[None]:
    """Turn an error that a user can act on into Dagster's failure; any other is raised as it is.

    Raises:
        Failure: the error's own line. Only what waits for another run to end is worth another try at once.
    """
    try:
        yield
    except AttendanceError as error:
        raise dg.Failure(
            description=str(error),
            metadata={ERROR: type(error).__name__},
            allow_retries=isinstance(error, BusyError),
        ) from error


def tells_why(step: Step) -> Step:
    """The body of a step, which fails as `telling` says."""
    if isgeneratorfunction(step):

        @wraps(step)
        def results(*args: Any, **options: Any) -> Iterator[Any]:
            with telling():
                yield from step(*args, **options)

        return cast(Step, results)

    @wraps(step)
    def result(*args: Any, **options: Any) -> Any:
        with telling():
            return step(*args, **options)

    return cast(Step, result)
