"""Nothing in the package can run what a file says: no pickle, no eval, no shell, no raw HTML."""

import ast
import re
from pathlib import Path

import pytest

import spel

HOME = Path(spel.__file__).parent
ONE_FILE = {  # pages to hand out: one file by design; their data is JSON without "<"
    HOME / "backends" / "handout" / "page.html",
    HOME / "studio" / "worksheets" / "page.html",
}
MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}
MODULES |= {"code", "runpy", "pty", "commands", "xmlrpc", "telnetlib", "ftplib"}
BUILTINS = {"eval", "exec", "compile", "__import__", "input", "breakpoint"}
CALLS = {"os.system", "os.popen", "os.execv", "os.execvp", "os.spawnv", "os.startfile"}
CALLS |= {"torch.load", "torch.jit.load", "tempfile.mktemp", "numpy.fromregex", "onnx.load"}
CALLS |= {f"yaml.{name}" for name in ("load", "load_all", "full_load", "unsafe_load")}
CALLS |= {"subprocess.getoutput", "subprocess.getstatusoutput", "multiprocessing.Pool"}
FLAGS = {("shell", True), ("allow_pickle", True), ("weights_only", False), ("verify", False)}
PROGRAMS = {  # the only files that start a process, and why
    "worker.py": "workers and the decoder of images: this Python",
    "cli/self_test.py": "spel doctor --self-test: this Python",
    "pipes.py": "what Windows passes to such a process; it starts none",
    "io/video/process.py": "the decoder of videos in a process of its own: this Python",
}
NETWORK = {"urllib.request", "http.client", "requests", "httpx", "smtplib", "socketserver"}
SCRIPT = re.compile(
    r"\b(?:inner|outer)HTML\b|insertAdjacentHTML|document\.write|\beval\(|new Function\b"
    r"|\bsetTimeout\(\s*[\"'`]|javascript:|createContextualFragment|DOMParser|\bsrcdoc\b"
)


def dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def dangers(tree: ast.AST, place: str) -> list[str]:
    """What a source file does that it must not."""
    found = []
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names] + [str(node.module)]
        for name in names:
            if name.split(".")[0] in MODULES or name in CALLS | NETWORK:
                found.append(f"{place}:{node.lineno} imports {name}")
            if name == "subprocess" and place not in PROGRAMS:
                found.append(f"{place}:{node.lineno} starts programs")
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            if name in BUILTINS | CALLS:
                found.append(f"{place}:{node.lineno} calls {name}")
            for word in node.keywords:
                value = word.value
                if isinstance(value, ast.Constant) and (word.arg, value.value) in FLAGS:
                    found.append(f"{place}:{node.lineno} says {word.arg}={value.value}")
    return found


def test_no_source_file_can_run_what_a_file_says():
    found = []
    for path in sorted(HOME.rglob("*.py")):
        place = path.relative_to(HOME).as_posix()
        found += dangers(ast.parse(path.read_text(encoding="utf-8")), place)
    assert not found, "\n".join(found)


def test_no_page_takes_text_for_markup():
    pages = [p for kind in ("js", "mjs", "html", "css") for p in HOME.rglob(f"*.{kind}")]
    assert len(pages) > 5
    for path in pages:
        text = path.read_text(encoding="utf-8")
        assert not (hit := SCRIPT.search(text)), f"{path.name}: {hit and hit[0]}"
        if path.suffix == ".html" and path not in ONE_FILE:
            assert not re.search(r"<script(?![^>]*\bsrc=)|\bon[a-z]+\s*=", text), path.name


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from pickle import loads",
        "eval('1')",
        "import os\nos.system('x')",
        "import subprocess",
        "run('x', shell=True)",
        "np.load(path, allow_pickle=True)",
        "import torch\ntorch.load(path)",
        "from urllib.request import urlopen",
        "import yaml\nyaml.load(text)",
        "import yaml\nyaml.unsafe_load(text)",
    ],
)
def test_the_check_finds_what_it_is_for(code):
    assert dangers(ast.parse(code), "x.py")
