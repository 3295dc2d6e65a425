"""Refusals in the language of the page: every code has its sentence in both locales."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import spel.studio
from spel.errors import FormatError, ImageReadError, ShapeError
from spel.io import read
from spel.nn import Color
from spel.studio.document import Stroke
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
        ({"do": "set_kernel", "node": "edges", "kernel": [], "bias": 1}, "unfit_request"),
        ({"do": "set_kernel", "node": "edges", "kernel": 0, "bias": "x"}, "unfit_request"),
        ({"do": "set_kernel", "node": "edges", "kernel": 0, "bias": 1e300}, "between"),
        ({"do": "set_kernel", "node": "edges", "kernel": 0, "weights": [1e40] * 9}, "between"),
        ({"do": "set_layer", "node": "positive", "fields": {"parameter": 1e40}}, "finite_number"),
        ({"do": "set_pins", "images": 3}, "unfit_request"),
    ],
)
def test_what_is_refused_is_said_without_the_words_of_python(session, command, code):
    with pytest.raises(Refusal) as refused:
        session.do({"network": "plate", **command})
    assert refused.value.code == code
    assert not re.search(r"int\(\)|NoneType|argument|'|\{", str(refused.value))


REASONS = json.loads((HOME / "web/static/locales/reasons.json").read_text("utf-8"))


def translated(reason, language):
    """As base/reasons.js does it: clause by clause, each with the words before it."""
    plain = re.sub(r"\((\w+(?:Error|Exception)): ", "(", reason)
    return "; ".join(clause_in(language, clause) for clause in plain.split("; "))


def clause_in(language, clause):
    words = clause.split(": ")
    for start in range(len(words)):
        rest = ": ".join(words[start:])
        for known, text in REASONS[language]:
            names = re.findall(r"\{(\w+)\}", known)
            pattern = "(.+?)".join(re.escape(part) for part in re.split(r"\{\w+\}", known))
            match = re.fullmatch(pattern, rest)
            if match:  # what stands in its places may be clauses too
                values = [v if v == rest else clause_in(language, v) for v in match.groups()]
                return ": ".join([*words[:start], text.format(**dict(zip(names, values)))])
    return clause


@pytest.mark.parametrize("language", sorted(REASONS))
def test_reasons_keep_their_values(language):
    for known, text in REASONS[language]:
        assert sorted(re.findall(r"\{(\w+)\}", known)) == sorted(re.findall(r"\{(\w+)\}", text))


CUT = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0:~\x9bU"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("cut.png", b"\x89PNG\r\n\x1a\n" + bytes(9)),
        ("empty.png", b""),
        ("page.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("words.png", b"no image at all, and long enough to be looked at"),
        ("cut.tif", b"II*\0" + bytes(4)),
        ("end.png", CUT),
        ("huge.pgm", b"P5 30000 30000 255\n"),
    ],
)
def test_what_a_reader_refuses_is_said_in_portuguese(name, data, tmp_path):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(ImageReadError) as refused:
        read(path, max_pixels=1_000_000)
    reason = str(refused.value).replace(str(path), name)
    assert not re.search(r"\b(it|is|its|the|copy|convert|read)\b", translated(reason, "pt-BR"))


def test_what_a_step_refuses_is_said_in_portuguese():
    assert translated("waits for conv1", "pt-BR") == "espera por conv1"
    with pytest.raises(FormatError) as refused:
        Stroke.from_dict({"id": "a", "label": "x", "tool": "brush", "radius": 1, "points": []})
    said = "stroke: um campo é de outro tipo; esperado: id, label, tool, radius e points"
    assert translated(str(refused.value), "pt-BR") == said
    with pytest.raises(ShapeError) as refused:
        Color("lab")(np.zeros((4, 5, 7)))
    assert translated(str(refused.value), "pt-BR").startswith("Color: imagem de forma (4, 5, 7)")
