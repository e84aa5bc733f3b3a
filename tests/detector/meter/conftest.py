"""Every test of the meter runs twice: the packet loop in C, and in Python."""

from collections.abc import Iterator

import pytest

from detector import meter


@pytest.fixture(params=["compiled", "pure"], autouse=True)
def loop(request: pytest.FixtureRequest) -> Iterator[str]:
    kind = str(request.param)
    if kind == "compiled" and not meter.is_compiled():
        pytest.skip("needs a C compiler at installation")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(meter, "is_compiled", lambda: kind == "compiled")
        yield kind
