from collections.abc import Iterator

import pytest

from attendance_pipeline.sandbox import Sandbox, ZoomOptions

from .client import Client, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def options() -> ZoomOptions:
    return ZoomOptions(rate_limits=False)


@pytest.fixture
def sandbox(clock: Clock, options: ZoomOptions) -> Iterator[Sandbox]:
    with Sandbox(size="small", clock=clock, options=options) as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    client = Client(sandbox)
    yield client
    client.close()
