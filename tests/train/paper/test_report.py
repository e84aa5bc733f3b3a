"""The page itself is tested on a whole run's report, in `test_run`."""

from pathlib import Path

import pytest

pytest.importorskip("tensorflow")

from jinja2 import Environment, meta

from train.paper import report


def test_the_template_uses_nothing_but_what_it_is_given() -> None:
    template = Path(report.__file__).with_name("report.html.j2").read_text()
    environment = Environment(autoescape=True)
    environment.filters |= dict.fromkeys(("count", "share", "number"), str)
    assert meta.find_undeclared_variables(environment.parse(template)) == {
        *("report", "as_published", "figures", "page", "paper_pace", "published"),
        *("accuracies", "curves", "matrices"),
    }
