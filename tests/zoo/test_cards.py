"""The files of the networks that ship: stored in the present form, with cards that are true."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from spel import zoo
from spel.decide import decision_of, segmentation_of
from spel.decide.stored import check_meta

ROOT = Path(__file__).parents[2]
NAMES = zoo.names()


@pytest.mark.parametrize("name", NAMES)
def test_the_card_names_functions_that_exist(name: str) -> None:
    card = zoo.get(name).meta["card"]
    assert card["name"] == name
    stated = {"description", "learned from", "method", "figures", "measured on", "limits"}
    assert stated <= set(card)
    assert card["license"] == "BSD-3-Clause"
    assert card["fingerprint"] == zoo.get(name).fingerprint()
    method = re.match(r"spel(\.\w+)+", card["method"])
    assert method is not None
    module, _, function = method.group().rpartition(".")
    assert callable(getattr(import_module(module), function))


@pytest.mark.parametrize("name", NAMES)
def test_the_command_of_the_figures_exists_and_a_page_shows_them(name: str) -> None:
    card = zoo.get(name).meta["card"]
    command = card["measured by"]
    module = re.search(r"-m ([\w.]+)", command)
    file = module[1].replace(".", "/") if module else command.split()[1]
    assert any((ROOT / f"{file}{end}").is_file() for end in ("", ".py", "/__main__.py"))
    pages = [page for page in (ROOT / "docs").glob("*.md") if command in page.read_text()]
    assert pages, f"no page of figures shows {command}"


def test_decision_and_segmentation_are_stored_as_they_are_written_now() -> None:
    plates, eggs = zoo.get("plates"), zoo.get("parasite-eggs")
    check_meta(plates)
    check_meta(eggs)
    assert plates.meta["decision"] == decision_of(plates).to_dict()
    assert eggs.meta["segmentation"] == segmentation_of(eggs).to_dict()


def test_weights_are_those_that_were_measured() -> None:
    assert zoo.get("plates").fingerprint() == "a29b165037104e4d9b12871b506e79ab"
    assert zoo.get("parasite-eggs").fingerprint() == "3a624969896b50aa71b39a8fcba506fa"
