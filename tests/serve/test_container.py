"""The Containerfile, checked without an engine: instructions, user, paths, and the command."""

import ast
import fnmatch
import json
import re
from pathlib import Path

import pytest

from spel.cli.serve import command

ROOT = Path(__file__).parents[2]
INSTRUCTIONS = {  # https://docs.docker.com/reference/dockerfile/
    *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL"),
    *("MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
}


def instructions(text):
    """Pairs of instruction and arguments; comments are left out and continued lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def stages(pairs):
    """The instructions of each stage, which a FROM begins."""
    found = []
    for name, rest in pairs:
        if name == "FROM":
            found.append([])
        found[-1].append((name, rest))
    return found


@pytest.fixture(scope="module")
def steps():
    return instructions((ROOT / "Containerfile").read_text())


def test_all_instructions_are_documented_ones(steps):
    assert steps[0][0] == "FROM"
    assert {name for name, _ in steps} <= INSTRUCTIONS - {"MAINTAINER", "ADD"}


def test_every_base_states_its_registry_and_its_version(steps):
    bases = [rest.split()[0] for name, rest in steps if name == "FROM"]
    assert len(bases) == 2
    for base in bases:
        assert re.fullmatch(r"docker\.io/library/python:3\.\d+-slim", base)
        version = base.rpartition("3.")[2].removesuffix("-slim")
        assert f"Python :: 3.{version}" in (ROOT / "pyproject.toml").read_text()


def test_the_image_runs_as_a_number_that_is_not_root(steps):
    last = stages(steps)[-1]
    users = [rest for name, rest in last if name == "USER"]
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", users[-1])
    after = [name for name, _ in last[last.index(("USER", users[-1])) :]]
    assert "RUN" not in [name for name, _ in last]
    assert {"ENTRYPOINT", "CMD"} <= set(after)


def test_what_is_copied_exists_and_is_not_ignored(steps):
    names = [re.search(r" AS (\w+)", rest) for name, rest in steps if name == "FROM"]
    known = {found[1] for found in names if found}
    ignored = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line[:1] not in ("#", "")
    ]
    for name, rest in steps:
        if name != "COPY":
            continue
        *sources, _ = rest.split()
        if sources[0].startswith("--from="):
            assert sources[0].removeprefix("--from=") in known
            continue
        for source in sources:
            assert (ROOT / source).exists(), source
            assert f"!{source}" in ignored
            assert not any(fnmatch.fnmatch(source, rule) for rule in ignored[1:] if rule[0] != "!")


def test_the_build_gets_every_file_that_the_project_names(steps):
    project = (ROOT / "pyproject.toml").read_text()
    copied = {word for name, rest in steps if name == "COPY" for word in rest.split()}
    assert re.search(r'^readme = "(.+)"', project, re.MULTILINE)[1] in copied
    assert "CMakeLists.txt" in copied
    for place in re.findall(r"\bsrc/native/\S+?\.cpp", (ROOT / "CMakeLists.txt").read_text()):
        assert (ROOT / place).exists()
    extras = re.search(r"\.\[(.+?)\]", dict(steps[::-1])["RUN"] + str(steps))[1]
    for extra in extras.split(","):
        assert re.search(rf"^{extra} = \[", project, re.MULTILINE)


def test_the_command_is_one_that_spel_understands(steps):
    last = dict(stages(steps)[-1])
    program, subcommand, *options = json.loads(last["ENTRYPOINT"])
    assert (program, subcommand) == ("spel", "serve")
    words = [*options, *json.loads(last["CMD"])]
    context = command.make_context("serve", list(words))
    assert context.params["host"] == "0.0.0.0"
    assert str(context.params["port"]) == last["EXPOSE"]
    assert last["STOPSIGNAL"] == "SIGTERM"


def test_the_health_check_is_python_that_asks_the_own_port(steps):
    last = dict(stages(steps)[-1])
    program, flag, code = json.loads(last["HEALTHCHECK"].partition("CMD ")[2])
    assert (program, flag) == ("python", "-c")
    ast.parse(code)
    assert f":{last['EXPOSE']}/health" in code


def test_no_secret_is_in_the_image(steps):
    for name, rest in steps:
        if name in ("ENV", "ARG", "LABEL"):
            assert not re.search("token|password|secret|key", rest, re.IGNORECASE)
