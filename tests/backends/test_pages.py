"""The page shows the table that the code holds."""

from pathlib import Path

from spel.backends import table

PAGE = Path(__file__).parents[2] / "docs/how-to/export.md"


def test_the_page_holds_the_table():
    shown = PAGE.read_text().split("<!-- capabilities -->\n")[1].split("\n<!-- end -->")[0]
    assert shown == table()
