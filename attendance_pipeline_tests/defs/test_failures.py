"""How steps fail: Dagster's records name the error, and the console script's caller gets it as it was."""

from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import pytest

from attendance_pipeline.defs.failures import tells_why
from attendance_pipeline.defs.headless import run_job
from attendance_pipeline.errors import AttendanceError, BusyError, UsageError
from attendance_pipeline.http.errors import RefusedError

REFUSED = RefusedError("zoom refused the token (401 to GET /users); check ZOOM_CLIENT_SECRET")


class Size(dg.Config):
    """A step's configuration."""

    size: int = 1


def generating(error: Exception) -> dg.AssetsDefinition:
    @dg.multi_asset(specs=[dg.AssetSpec("made")], name="making")
    @tells_why
    def making(context: dg.AssetExecutionContext, config: Size) -> Iterator[dg.MaterializeResult[Any]]:
        assert config.size == 1
        yield dg.MaterializeResult(asset_key="made")
        raise error

    return making


def returning(error: Exception) -> dg.AssetsDefinition:
    @dg.asset(name="made")
    @tells_why
    def making() -> dg.MaterializeResult[Any]:
        """What is made."""
        raise error

    return making


@pytest.mark.parametrize("step", [generating, returning])
@pytest.mark.parametrize(("error", "again"), [(REFUSED, False), (BusyError("another run is at work"), True)])
def test_an_error_for_users_is_told_in_its_own_line_with_its_name(
    step: Callable[[Exception], dg.AssetsDefinition], error: AttendanceError, again: bool
) -> None:
    result = dg.materialize([step(error)], raise_on_error=False)

    (failed,) = [event for event in result.all_events if event.is_step_failure]
    told = failed.step_failure_data.user_failure_data
    assert told is not None
    assert told.description == str(error)
    assert told.metadata == {"error": dg.MetadataValue.text(type(error).__name__)}
    with pytest.raises(dg.Failure) as raised:
        dg.materialize([step(error)])
    assert raised.value.__cause__ is error
    assert raised.value.allow_retries is again


@pytest.mark.parametrize("step", [generating, returning])
def test_any_other_error_is_raised_as_it_is(step: Callable[[Exception], dg.AssetsDefinition]) -> None:
    with pytest.raises(ZeroDivisionError):
        dg.materialize([step(ZeroDivisionError("by nought"))])


def test_a_step_keeps_its_description() -> None:
    assert returning(REFUSED).descriptions_by_key == {dg.AssetKey("made"): "What is made."}


@pytest.mark.parametrize("error", [REFUSED, UsageError("these models can't be built alone")])
def test_whoever_runs_a_job_gets_the_error_as_it_was(error: AttendanceError) -> None:
    definitions = dg.Definitions(assets=[returning(error)], jobs=[dg.define_asset_job("make")])

    with dg.instance_for_test() as instance, pytest.raises(type(error)) as raised:
        run_job(definitions, "make", instance)

    assert raised.value is error
