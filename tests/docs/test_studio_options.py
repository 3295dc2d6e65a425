"""The page about options in the studio names every option of the four commands."""

import importlib
import re
from pathlib import Path

import click
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "studio.md"
SHARED = "Runs of all commands"


def sections():
    """The text below each heading."""
    parts = re.split(r"^## (.+)$", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("name", ["learn", "learn-boxes", "segment", "detect"])
def test_every_option_is_in_the_studio_or_said_to_be_elsewhere(name):
    command = importlib.import_module(f"spel.cli.{name.replace('-', '_')}").command
    told = sections()
    words = set(re.findall(r"`(--[\w-]+)`", told[f"spel {name}"] + told[SHARED]))
    options = [one for one in command.params if isinstance(one, click.Option)]
    assert {text for one in options for text in one.opts if text.startswith("--")} <= words
    own = set(re.findall(r"`(--[\w-]+)`", told[f"spel {name}"]))
    every = {text for one in options for text in (*one.opts, *one.secondary_opts)}
    assert own <= every


def test_the_words_of_the_page_are_those_of_the_studio():
    words = Path(importlib.import_module("spel.studio.web").__file__).parent
    english = (words / "static" / "locales" / "en.json").read_text("utf-8")
    shown = set(re.findall(r'": "(.+)"', english))
    table = "\n".join(told for head, told in sections().items() if head != SHARED)
    cited = set(re.findall(r"(?<!\*)\*([^*\n]+)\*", table))
    steps = {"saliency", "decoder", "space"}  # names in a network
    assert {one for one in cited if one.strip('"') not in shown} <= steps
