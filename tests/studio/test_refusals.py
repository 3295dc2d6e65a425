"""Refusals in the language of the page: every code has its sentence in both locales."""

import json
import re
from pathlib import Path

import pytest

import spel.studio
from spel.studio.refusals import Refusal

HOME = Path(spel.studio.__file__).parent
CODES = {
    code
    for path in HOME.rglob("*.py")
    for code in re.findall(r'(?:\bRefusal\(\s*|"code": )"(\w+)"', path.read_text(encoding="utf-8"))
    if path.name != "refusals.py"
}


@pytest.mark.parametrize("locale", ["en", "pt-BR"])
def test_every_code_has_a_sentence(locale):
    words = json.loads((HOME / "web/static/locales" / f"{locale}.json").read_text("utf-8"))
    assert len(CODES) >= 12
    assert {f"refused.{code}" for code in CODES} == {w for w in words if w.startswith("refused.")}


def test_a_refusal_carries_code_and_values(session):
    with pytest.raises(Refusal, match="no stroke is drawn yet") as told:
        session.do({"do": "learn", "network": "plate"})
    assert told.value.code == "no_stroke"
    with pytest.raises(Refusal) as told:
        session.do({"do": "add_network", "name": "plate", "template": "grey"})
    assert (told.value.code, told.value.values) == ("name_taken", {"name": "plate"})


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"do": "set_layer", "node": "join", "fields": {"stride": None}}, "whole_number"),
        ({"do": "set_layer", "node": "join", "fields": {"stride": 0}}, "whole_number"),
        ({"do": "set_layer", "node": "join", "fields": {"stride": "x"}}, "whole_number"),
        ({"do": "set_layer", "node": "positive", "fields": {"parameter": []}}, "finite_number"),
        ({"do": "set_layer", "node": "positive", "fields": {"function": "x"}}, "choice"),
        ({"do": "set_layer", "node": "join", "fields": {"adjacency": {"shape": 1}}}, "window_size"),
        ({"do": "remove_network", "network": "none"}, "no_network"),
    ],
)
def test_what_is_refused_is_said_without_the_words_of_python(session, command, code):
    with pytest.raises(Refusal) as refused:
        session.do({"network": "plate", **command})
    assert refused.value.code == code
    assert not re.search(r"int\(\)|NoneType|argument|'|\{", str(refused.value))
