"""All that is played in an examination."""

from tests.exam.brief import BRIEF
from tests.exam.field import FIELD
from tests.exam.lasting import LASTING
from tests.exam.scenarios import SCENARIOS, Scenario
from tests.exam.visits import VISITS, Visit

SCENES: tuple[Scenario | Visit, ...] = (*SCENARIOS, *LASTING, *BRIEF, *FIELD, *VISITS)
