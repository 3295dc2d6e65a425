"""Model cards: LITERAL pages, what a file may claim, and how the Hugging Face Hub reads them."""

from __future__ import annotations

import pytest

from spel import zoo
from spel.nn import Activation, chain
from spel.nn.card import card_license, card_sections, model_card

NET = chain(positive=Activation("relu"))


def test_every_section_of_a_card():
    card = {
        "description": "Finds discs.",
        "learned from": "3 images.",
        "method": "By hand.",
        "command": "spel learn discs.json",
        "figures": {"Dice": 0.5, "folds": {"first": 1, "second": None}},
        "measured on": "2 images.",
        "limits": "One size.",
        "license": "MIT",
        "photos": 3,
    }
    assert dict(card_sections(NET.with_meta(card=card))) == {
        "What it is": "Finds discs.",
        "Data": "3 images.",
        "Method": "By hand.\n\n```\nspel learn discs.json\n```",
        "Validation": "2 images.\n\n| name | value |\n|---|---|\n| Dice | 0.5 |\n"
        "| folds, first | 1 |\n| folds, second | null |\n\n```\nspel learn discs.json\n```",
        "Limits": "One size.",
        "Licence": "MIT",
        "Settings": "| name | value |\n|---|---|\n| photos | 3 |",
    }


def test_what_is_missing_is_not_stated_and_what_learning_notes_is():
    page = model_card(NET, "net.safetensors")
    assert page.count("Not stated.") == 6
    assert "license: other" in page
    assert "spel apply net.safetensors IMAGES" in page
    marked = NET.with_meta(images=[f"{n:02d}" for n in range(14)], segmentation={})
    assert "Strokes on 14 images: 00, 01, 02, 03, 04, 05, 06, 07, 08, 09, 10, 11 and 2 more." in (
        model_card(marked, "net")
    )
    assert "pipeline_tag: image-segmentation" in model_card(marked, "net")
    boxes = NET.with_meta(card={"boxes": 4, "photos": 1}, decision={})
    assert dict(card_sections(boxes))["Data"] == "4 boxes in 1 photo."
    assert "pipeline_tag: object-detection" in model_card(boxes, "net")


def test_a_card_of_other_weights_says_so():
    network = NET.with_meta(card={"fingerprint": NET.fingerprint()})
    assert list(card_sections(network)) == []
    other = network.replace("positive", Activation("sigmoid"))
    assert "changed after this card" in dict(card_sections(other))["Changed"]


@pytest.mark.parametrize("card", [[], "text", 3, None, {"figures": [1], "license": "a: b\n- c"}])
def test_a_card_that_is_none_or_hostile_changes_no_head(card):
    network = NET.with_meta(card=card)
    assert card_license(network) == ""
    assert model_card(network, "net").split("---\n")[1].count("\n") == 6


def test_lines_and_pipes_of_a_file_stay_in_their_cell():
    network = NET.with_meta(card={"note": "a|b\n| c |\x1b[2J"})
    rows = dict(card_sections(network))["Settings"].split("\n")
    assert rows[2:] == [r"| note | a\|b\n\| c \|\x1b[2J |"]


@pytest.mark.parametrize("name", zoo.names())
def test_the_hub_reads_the_cards_that_ship(name):
    hub = pytest.importorskip("huggingface_hub", reason="the package of the Hub is not installed")
    data = hub.ModelCard(model_card(zoo.get(name), name)).data
    assert (data.library_name, data.license) == ("spel", "bsd-3-clause")
    assert data.pipeline_tag in ("image-segmentation", "object-detection")
