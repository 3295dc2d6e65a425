"""The studio's page stays readable: short lines, short functions, short files, types on."""

import re
from pathlib import Path

import pytest

import spel.studio.web as web
from spel.backends import html_export

STATIC = Path(web.__file__).parent / "static"
HANDOUT = html_export.FOLDER
MODULES = [*sorted(STATIC.rglob("*.js")), *sorted(HANDOUT.glob("*.js"))]
STYLES = sorted(STATIC.rglob("*.css"))
MAX_LINE = 120
MAX_FUNCTION = 50
MAX_FILE = 400
# The formatter puts the end of a function at the indentation of its beginning.
BEGINS = re.compile(r"^( *).*(?:\) => \{|\) \{)$")
NOT_FUNCTIONS = re.compile(r"^ *(?:\} else )?(?:if|for|while|switch) \(|^ *\} catch")


def name(path):
    return path.relative_to(STATIC if STATIC in path.parents else HANDOUT.parent).as_posix()


def functions(text):
    """First line and number of lines of each function of a formatted module."""
    lines = text.splitlines()
    for start, line in enumerate(lines):
        match = BEGINS.match(line)
        if match is None or NOT_FUNCTIONS.match(line):
            continue
        closing = match[1] + "}"
        end = next(i for i in range(start + 1, len(lines)) if lines[i].startswith(closing))
        yield line.strip(), end - start - 1


def test_the_length_of_functions_is_measured():
    text = "function a() {\n  if (b) {\n    c();\n  }\n}\nconst d = () => {\n  e();\n};\n"
    assert list(functions(text)) == [("function a() {", 3), ("const d = () => {", 1)]


@pytest.mark.parametrize("path", [*MODULES, *STYLES], ids=name)
def test_lines_and_files_are_short(path):
    lines = path.read_text().splitlines()
    assert len(lines) <= MAX_FILE
    assert [line for line in lines if len(line) > MAX_LINE] == []


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_functions_are_short_and_types_are_checked(path):
    text = path.read_text()
    assert text.startswith("// @ts-check\n")
    assert [f for f, length in functions(text) if length > MAX_FUNCTION] == []
    assert not re.search(r"@ts-(ignore|nocheck|expect-error)|biome-ignore", text)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_nothing_of_others_and_no_markup_from_text(path):
    text = path.read_text()
    imported = re.findall(
        r"^(?:import|export) .*?from \"([^\"]+)\"|^import \"([^\"]+)\"", text, re.M
    )
    assert all("".join(one).startswith(("./", "../")) for one in imported)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text)


@pytest.mark.parametrize("path", STYLES, ids=name)
def test_one_declaration_a_line(path):
    assert [line for line in path.read_text().splitlines() if line.count(";") > 1] == []
