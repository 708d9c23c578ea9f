from collections.abc import Iterator
from contextlib import closing

import pytest

from attendance_pipeline.sandbox import Sandbox, TeamsOptions, WebexOptions, ZoomOptions

from .client import Client, Clock
from .teams_client import TeamsClient
from .webex_client import WebexClient


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def options() -> ZoomOptions:
    return ZoomOptions(rate_limits=False)


@pytest.fixture
def sandbox(clock: Clock, options: ZoomOptions) -> Iterator[Sandbox]:
    with Sandbox(size="small", mix={"zoom": 1}, clock=clock, zoom=options) as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    with closing(Client(sandbox)) as client:
        yield client


@pytest.fixture
def webex_options() -> WebexOptions:
    return WebexOptions(rate_limits=False)


@pytest.fixture
def webex_sandbox(clock: Clock, webex_options: WebexOptions) -> Iterator[Sandbox]:
    """Everything is on Webex."""
    with Sandbox(size="small", mix={"webex": 1}, clock=clock, webex=webex_options) as sandbox:
        yield sandbox


@pytest.fixture
def webex(webex_sandbox: Sandbox) -> Iterator[WebexClient]:
    with closing(WebexClient(webex_sandbox)) as client:
        yield client


@pytest.fixture
def teams_options() -> TeamsOptions:
    return TeamsOptions(rate_limits=False)


@pytest.fixture
def teams_sandbox(clock: Clock, teams_options: TeamsOptions) -> Iterator[Sandbox]:
    """Everything is on Teams."""
    with Sandbox(size="small", mix={"teams": 1}, clock=clock, teams=teams_options) as sandbox:
        yield sandbox


@pytest.fixture
def teams(teams_sandbox: Sandbox) -> Iterator[TeamsClient]:
    with closing(TeamsClient(teams_sandbox)) as client:
        yield client
