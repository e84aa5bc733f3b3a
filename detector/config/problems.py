"""Says what is wrong with a configuration: all of it at once, in one line an operator can act on.

One problem reads `[section] key: what was received, what is allowed, how to fix it`. Whatever
comes from outside is shown as Python shows it (so that no control character gets through), and shortened.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, time
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from detector.config.section import ContradictionError
from detector.config.sections import SECTIONS, Config

Values = Mapping[str, Any]
Location = tuple[str, ...]
"""Where an option stands: (section, key), or (key,) above all sections."""

_SHOWN_CHARACTERS = 80
_SHOWN_PROBLEMS = 20
"""A file of another program may have thousands; the first ones tell."""
_BARE = re.compile(r"[A-Za-z0-9_-]{1,80}", re.ASCII)


def shown(value: object) -> str:
    """Show any value within 80 printable characters."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of over 4300 digits; tables thousands deep
        return "a value too large to show"
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 3] + "..."


def problems(values: Values, flags: Mapping[Location, str]) -> list[str]:
    """List all that is wrong with these values, none twice; empty when they make a `Config`.

    `flags` names the command-line flags that some of the values came from.
    """
    errors = list(_errors(values))
    wrong = {_location(error) for error in errors}
    found = [
        f"{_label(_location(error), error, flags)}: {_sentence(error)}" for error in errors[:_SHOWN_PROBLEMS]
    ]
    # Pydantic looks for contradictions only in sections without errors, so look again without those.
    for error in _contradictions(_without(values, wrong)):
        section = _location(error)
        for keys, sentence in error["ctx"]["error"].found:
            if not wrong & {(*section, key) for key in keys}:
                label = next((flags[(*section, key)] for key in keys if (*section, key) in flags), None)
                found.append(f"{label or _name((*section, keys[0]))}: {sentence}")
    if len(errors) > _SHOWN_PROBLEMS:
        found.append(f"and {len(errors) - _SHOWN_PROBLEMS} more")
    return found


def _details(values: Values) -> list[ErrorDetails]:
    try:
        Config.model_validate(values)
    except ValidationError as error:
        return error.errors(include_url=False)
    return []


def _is_contradiction(error: ErrorDetails) -> bool:
    return isinstance(error.get("ctx", {}).get("error"), ContradictionError)


def _errors(values: Values) -> Iterator[ErrorDetails]:
    return (error for error in _details(values) if not _is_contradiction(error))


def _contradictions(values: Values) -> Iterator[ErrorDetails]:
    return (error for error in _details(values) if _is_contradiction(error))


def _location(error: ErrorDetails) -> Location:
    return tuple(str(part) for part in error["loc"][:2])


def _without(values: Values, wrong: set[Location]) -> Values:
    """Leave out the options that are wrong by themselves, and sections that are no tables."""
    kept = {key: value for key, value in values.items() if (key,) not in wrong}
    for section, value in kept.items():
        if isinstance(value, dict):
            kept[section] = {key: inner for key, inner in value.items() if (section, key) not in wrong}
    return kept


def _bare(key: str) -> str:
    return key if _BARE.fullmatch(key) else shown(key)


def _name(location: Location) -> str:
    if len(location) == 2:  # noqa: PLR2004  (section and key)
        return f"[{_bare(location[0])}] {_bare(location[1])}"
    return f"[{location[0]}]" if location[0] in SECTIONS else _bare(location[0])


def _label(location: Location, error: ErrorDetails, flags: Mapping[Location, str]) -> str:
    name = flags.get(location) or _name(location)
    entry = error["loc"][2:3]
    return f"{name} (entry {int(entry[0]) + 1})" if entry else name


def _sentence(error: ErrorDetails) -> str:
    received = error["input"]
    if error["type"] == "extra_forbidden":
        return _unknown(_location(error), received)
    if error["type"] == "value_error":
        return f"got {shown(received)}, {error['ctx']['error']}"
    location, got = _location(error), f"got {_kind(received)}{shown(received)}"
    if len(location) == 1 and location[0] in SECTIONS:
        return f"{got}, allowed is a table, write [{location[0]}] on a line of its own"
    schema, default = _schema(location)
    if len(error["loc"]) > 2:  # noqa: PLR2004  (section, key, entry)
        schema = schema["items"]
    return f"{got}, allowed is {_allowed(schema)}, {_fix(received, schema, default)}"


def _unknown(location: Location, received: object) -> str:
    *section, key = location
    what = "key" if section or not isinstance(received, dict) else "section"
    known: Sequence[str] = list((SECTIONS[section[0]] if section else Config).model_fields)
    near = get_close_matches(key[:_SHOWN_CHARACTERS], known, n=1)
    homes = [name for name, kind in SECTIONS.items() if key in kind.model_fields and [name] != section]
    if near:
        fix = f"did you mean {_name((*section, near[0]))}?"
    else:
        fix = f"move it below [{homes[0]}]" if homes else "remove it"
    return f"got an unknown {what}, allowed are {', '.join(known)}, {fix}"


def _schema(location: Location) -> tuple[dict[str, Any], object]:
    """Return what the option allows, as JSON schema, and its default."""
    owner = SECTIONS[location[0]] if len(location) > 1 else Config
    schema = owner.model_json_schema()["properties"][location[-1]]
    choices = [choice for choice in schema.get("anyOf", [schema]) if choice.get("type") != "null"]
    return choices[0], owner.model_fields[location[-1]].default


def _kind(value: object) -> str:
    names = (
        (bool, ""),
        (str, "the text "),
        (int, ""),
        (float, ""),
        (list, "the list "),
        (dict, "the table "),
    )
    return next((name for kind, name in names if isinstance(value, kind)), "the value ")


def _allowed(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return "one of " + ", ".join(f"'{choice}'" for choice in schema["enum"])
    nouns = {
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "string": "a text",
        "array": "a list of texts",
    }
    noun = nouns[schema["type"]]
    return f"{noun} from {schema['minimum']} to {schema['maximum']}" if "minimum" in schema else noun


def _fix(received: object, schema: dict[str, Any], default: object) -> str:
    """Say what to change; most mistakes are quotes and brackets."""
    kind = schema["type"]
    if isinstance(received, str):
        if kind == "array":
            return "put it in brackets"
        with suppress(ValueError):
            if kind in {"integer", "number"} and float(received) is not None:
                return "write it without quotes"
        if kind == "boolean" and received in {"true", "false"}:
            return "write it without quotes"
    if kind == "string" and "enum" not in schema and not isinstance(received, list | dict):
        return "put it in quotes"
    return "leave it out" if default is None or default == () else f"the default is {shown(default)}"
