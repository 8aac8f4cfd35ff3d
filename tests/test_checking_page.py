"""docs/checking.md: the answers that it shows are those that the tool gives."""

import re
from pathlib import Path

import pytest

import iverson as iv

PAGE = (Path(__file__).parent.parent / "docs" / "checking.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```\nloss  (?P<loss>.*?)\nyours d(?P<wrt>\w+)(?: =|:) (?P<mine>.*?)\n(?P<answer>Not equal.*?)\n```", re.S)


def rows():
    return [m.groups() for m in BLOCK.finditer(PAGE)]


def test_the_page_shows_ten_mistakes_and_more():
    assert len(rows()) >= 10


@pytest.mark.parametrize(("loss", "wrt", "mine", "answer"), rows())
def test_the_answer_on_the_page_is_the_tools(loss, wrt, mine, answer):
    assert repr(iv.check(unindented(loss), wrt, unindented(mine))) == answer


def unindented(text):
    return re.sub(r"\n +", "\n", text)
