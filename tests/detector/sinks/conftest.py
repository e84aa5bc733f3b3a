import logging
from collections.abc import Iterator

import pytest

from tests.detector.sinks.samples import RecordingHandler, logger


@pytest.fixture
def log() -> Iterator[RecordingHandler]:
    handler = RecordingHandler()
    logger().addHandler(handler)
    logger().setLevel(logging.DEBUG)
    yield handler
    logger().removeHandler(handler)
