"""`configs/iotids.toml` and the models are equal: every option, every default, every explanation."""

import ast
import inspect
import re
import tomllib
from pathlib import Path

import pytest

from detector.config import Config, load, outputs, sections
from detector.config.section import Section
from detector.config.sections import SECTIONS

SHIPPED = Path(__file__).parents[3] / "configs" / "iotids.toml"
TEXT = SHIPPED.read_text()
PAIRS = ("tls_cert|tls_key", "username|password_file")
"""Options that stand and fall together."""
OWNERS: dict[str, type[Section]] = {"": Config, **SECTIONS}


def examples() -> list[tuple[str, str]]:
    """The section and key of every option that the file shows as a comment."""
    found, section = [], ""
    for line in TEXT.splitlines():
        if header := re.fullmatch(r"\[(\w+)\]", line):
            section = header[1]
        if example := re.fullmatch(r"# (\w+) = .+", line):
            found.append((section, example[1]))
    return found


def explanations() -> list[tuple[str, str]]:
    """Every option and the docstring under it, empty where there is none."""
    found = []
    modules = [ast.parse(inspect.getsource(module)) for module in (sections, outputs)]
    for owner in (statement for module in modules for statement in module.body):
        if isinstance(owner, ast.ClassDef) and owner.name.endswith("Config"):
            for field, after in zip(owner.body, [*owner.body[1:], ast.Pass()], strict=True):
                if isinstance(field, ast.AnnAssign) and ast.unparse(field.target) not in SECTIONS:
                    explained = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
                    found.append((ast.unparse(field.target), ast.unparse(after) if explained else ""))
    return found


def test_the_file_holds_the_defaults() -> None:
    assert load(SHIPPED) == Config()


@pytest.mark.parametrize("section", OWNERS)
def test_every_option_with_a_default_is_set(section: str) -> None:
    values = tomllib.loads(TEXT)
    fields = OWNERS[section].model_fields
    expected = {key: field.default for key, field in fields.items() if field.default is not None}
    table = values[section] if section else {key: OWNERS[key].model_validate(values[key]) for key in values}
    assert list(table) == list(expected)
    assert {key: tuple(value) if value == [] else value for key, value in table.items()} == expected


@pytest.mark.parametrize("section", OWNERS)
def test_every_other_option_is_shown_as_a_comment(section: str) -> None:
    fields = OWNERS[section].model_fields
    shown = [key for owner, key in examples() if owner == section]
    assert shown == [key for key in fields if fields[key].default is None]


@pytest.mark.parametrize(("section", "key"), examples())
def test_every_example_can_be_uncommented(section: str, key: str, tmp_path: Path) -> None:
    names = next((pair for pair in PAIRS if key in pair.split("|")), key)
    file = tmp_path / "iotids.toml"
    file.write_text(re.sub(rf"^# (?=(?:{names}) = )", "", TEXT, flags=re.MULTILINE))

    config = load(file)

    owner = getattr(config, section) if section else config
    assert getattr(owner, key) is not None


def test_all_examples_can_be_uncommented_together(tmp_path: Path) -> None:
    file = tmp_path / "iotids.toml"
    file.write_text(re.sub(r"^# (?=\w+ = )", "", TEXT, flags=re.MULTILINE))
    dumped = load(file).model_dump()
    assert all(value is not None for section in SECTIONS for value in dumped[section].values())


def test_every_option_is_explained() -> None:
    options = {key for kind in OWNERS.values() for key in kind.model_fields} - set(SECTIONS)
    assert {key for key, docstring in explanations() if docstring} == options


@pytest.mark.parametrize(("key", "docstring"), explanations())
def test_model_and_file_explain_an_option_alike(key: str, docstring: str) -> None:
    comments = " ".join(line.removeprefix("# ") for line in TEXT.splitlines()).replace("`", "")
    start = re.split(r"[.,;:]", " ".join(ast.literal_eval(docstring).replace("`", "").split()))[0]
    assert len(start) > 10, key
    assert start in comments


def test_ranges_in_the_file_are_those_of_the_models() -> None:
    comments = re.split(r"\n\n+", TEXT)
    for kind in SECTIONS.values():
        for key, schema in kind.model_json_schema()["properties"].items():
            # A name that several sections have, such as url, has no range.
            comment = next(block for block in comments if re.search(rf"^(# )?{key} = ", block, re.MULTILINE))
            for bound in ("minimum", "maximum"):
                if schema.get("type") == "integer" and key not in {"port", "buffer_bytes"}:
                    assert f"{schema[bound]}" in comment, key
