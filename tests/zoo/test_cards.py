"""The files of the networks that ship: stored in the present form, with cards that are true."""

from __future__ import annotations

import re
from importlib import import_module

import pytest

from spel import zoo
from spel.decide import decision_of, segmentation_of
from spel.decide.stored import check_meta

NAMES = ("parasite-eggs", "plates")


@pytest.mark.parametrize("name", NAMES)
def test_the_card_names_functions_that_exist(name: str) -> None:
    card = zoo.get(name).meta["card"]
    assert card["name"] == name
    assert {"description", "learned from", "method", "command", "spel"} <= set(card)
    method = re.match(r"spel(\.\w+)+", card["method"])
    assert method is not None
    module, _, function = method.group().rpartition(".")
    assert callable(getattr(import_module(module), function))


def test_decision_and_segmentation_are_stored_as_they_are_written_now() -> None:
    plates, eggs = zoo.get("plates"), zoo.get("parasite-eggs")
    check_meta(plates)
    check_meta(eggs)
    assert plates.meta["decision"] == decision_of(plates).to_dict()
    assert eggs.meta["segmentation"] == segmentation_of(eggs).to_dict()


def test_weights_are_those_that_were_measured() -> None:
    assert zoo.get("plates").fingerprint() == "f3ddcdfec2ecb73af72f0fb2403da613"
    assert zoo.get("parasite-eggs").fingerprint() == "3a624969896b50aa71b39a8fcba506fa"
