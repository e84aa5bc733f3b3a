"""From packets to steps: what the tests of the path do not show by themselves."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detector.bundle import WindowSettings
from detector.config import WindowConfig
from detector.records import FlowBatch
from detector.steps import due_steps
from detector.windows import Windows
from tests.detector.windows.samples import traffic
from tests.traffic import EPOCH_MS, batch, flow


@given(flows=traffic(max_size=60), starts_anew=st.booleans())
def test_flows_come_with_the_first_step_and_time_with_the_last(
    *, flows: FlowBatch, starts_anew: bool
) -> None:
    windows = Windows(WindowSettings(), WindowConfig())
    windows.push(flows)
    now_ms = int(flows["export_ms"][-1]) if len(flows) else 0
    found = list(due_steps(windows, flows, now_ms, starts_anew=starts_anew))
    assert found[0].flows.tobytes() == flows.tobytes()
    assert all(len(step.flows) == 0 for step in found[1:])
    assert [step.now_ms for step in found] == sorted(step.now_ms for step in found)
    assert found[-1].now_ms == now_ms
    assert [step.starts_anew for step in found] == [False] * (len(found) - 1) + [starts_anew]


def test_each_second_is_a_step_even_if_nothing_is_due_in_it() -> None:
    windows = Windows(WindowSettings(), WindowConfig())
    flows = batch([flow(at) for at in (0, 1500, 4200)])
    windows.push(flows)
    found = list(due_steps(windows, flows, EPOCH_MS + 10_000, starts_anew=False))
    assert [step.now_ms - EPOCH_MS for step in found] == [250, 1750, 4250, 10_000]
    assert np.sum([len(step.windows) for step in found]) == 0
