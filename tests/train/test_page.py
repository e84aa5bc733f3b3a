import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.train import describable
from train.describe import Description, describe
from train.page import html, write
from train.realism import Benign


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Description, Benign]:
    folder = tmp_path_factory.mktemp("data")
    return describe(folder, describable.write(folder, factor=50), splits=False)


@pytest.fixture(scope="module")
def text(found: tuple[Description, Benign]) -> str:
    return html(*found)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [str(value) for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_needs_nothing_beside_it(text: str) -> None:
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    (source,) = tags.sources
    image = base64.b64decode(source.removeprefix("data:image/png;base64,"), validate=True)
    assert image.startswith(b"\x89PNG")
    assert "http" not in re.sub(r'src="[^"]*"', "", text)


def test_it_tells_the_number_and_what_gives_the_lab_away(
    found: tuple[Description, Benign], text: str
) -> None:
    described, _ = found
    assert described.realism is not None
    assert f"<strong>{described.realism.auc:.3f}</strong>" in text
    told = text[text.index("What gives") :]
    assert "<td>src2dst_max_ps</td>" in told[: told.index("</table>")]
    for name in ("Benign", "home-0", "nmap"):
        assert f"<td>{name}</td>" in text


def test_names_are_text_and_no_markup(found: tuple[Description, Benign]) -> None:
    described, benign = found
    row = described.by_origin["lab"]
    text = html(replace(described, by_origin={"<script>": row}), benign)
    assert "<script>" not in text
    assert "<td>&lt;script&gt;</td>" in text


def test_splits_are_shown_where_they_were_judged(found: tuple[Description, Benign], text: str) -> None:
    described, benign = found
    assert "split by" not in text
    judged: dict[str, object] = {"by": "time", "train_windows": 7, "test_windows": 3, "shared": 1}
    judged |= {"classes": ["Benign", "DoS"], "macro_f1": 0.98765}
    text = html(replace(described, splits=[judged]), benign)
    assert "<td>time</td><td>7</td><td>3</td><td>1</td><td>Benign, DoS</td><td>0.988</td>" in text


def test_without_a_lab_it_says_so(found: tuple[Description, Benign]) -> None:
    described, benign = found
    text = html(replace(described, realism=None), benign)
    assert "Too few benign windows" in text
    assert "<img" not in text


def test_the_twin_holds_the_same(found: tuple[Description, Benign], text: str, tmp_path: Path) -> None:
    page, twin = write(tmp_path / "out", *found)
    told = json.loads(twin.read_text())
    described, _ = found
    assert told == json.loads(json.dumps(described.as_json()))
    assert told["realism"]["auc"] == pytest.approx(described.realism.auc if described.realism else None)
    assert page.read_text() == text
