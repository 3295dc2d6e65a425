"""Worksheets: every lesson in both languages; right, wrong and mutilated ones are marked."""

import contextlib
import io
import json

import numpy as np
import pytest
from scipy import ndimage

from spel.cli.main import run
from spel.errors import FormatError, ParameterError
from spel.studio.lessons import lessons
from spel.studio.worksheets.exercises import COLOR, GREY, exercise
from spel.studio.worksheets.handed_in import read_handed_in
from spel.studio.worksheets.marking import LETTERS, mark_array, marks
from spel.studio.worksheets.notebook import to_notebook
from spel.studio.worksheets.page import to_page
from spel.studio.worksheets.sheets import sheet
from spel.studio.worksheets.stages import find_lesson, lesson_step, staged, staging

PLANE = GREY[..., 0].astype(float)
SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], float)
IDS = [lesson["id"] for lesson in lessons()]


@pytest.fixture(scope="module")
def session():
    with staging() as made:
        yield made


def right_answers(session, lesson):
    found = find_lesson(lesson)
    answers = {}
    for number, step in enumerate(found["steps"], start=1):
        ask = step["ask"]
        if ask["kind"] == "choice":
            answers[str(number)] = LETTERS[ask["answer"]]
        else:
            answers[str(number)] = staged(session, found, step).answer(ask.get("of", "value"))
    return {**answers, "array": exercise(lesson).answer()}


def worked(notebook, answers):
    """The notebook as a pupil saves it: answers filled in, and every cell run."""
    scope = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        task = cell["metadata"].get("spel", {}).get("task")
        if task in answers:
            answer = answers[task]
            code = repr(answer.tolist() if isinstance(answer, np.ndarray) else answer)
            cell["source"] = cell["source"].replace("= None", f"= {code}")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(cell["source"], scope)
        if printed.getvalue():
            lines = printed.getvalue().splitlines(keepends=True)
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": lines}]
    return notebook


def saved(tmp_path, data, name="sheet.ipynb"):
    path = tmp_path / name
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return path


@pytest.fixture
def notebook(session):
    return json.loads(to_notebook(sheet(session, "convolution", "en")))


# -- what is written -------------------------------------------------------------------------------


@pytest.mark.parametrize("lesson", IDS)
def test_right_answers_are_right_in_both_languages(session, lesson, tmp_path):
    answers = right_answers(session, lesson)
    for language in ("en", "pt"):
        made = sheet(session, lesson, language)
        notebook = json.loads(to_notebook(made))
        ids = [cell["id"] for cell in notebook["cells"]]
        assert len(ids) == len(set(ids))
        assert find_lesson(lesson)["title"][language] in notebook["cells"][0]["source"]
        path = saved(tmp_path, worked(notebook, answers))
        marked = marks(session, read_handed_in(path))
        assert [mark.verdict for mark in marked] == ["right"] * len(answers), marked
        page = to_page(made)
        assert "{{" not in page
        assert "http" not in page
        fields = {f'name="{task}"' for task in answers}
        assert all(field in page for field in fields)


def test_the_numbers_of_the_notebook_are_those_of_the_exercise(session):
    scope = {"np": np}
    for lesson in IDS:
        made = sheet(session, lesson, "en")
        cells = {c["id"]: c["source"] for c in json.loads(to_notebook(made))["cells"]}
        exec(cells["numbers"], scope)
        image = scope["image"]
        assert np.array_equal(
            image, made.numbers[..., 0] if made.numbers.shape[-1] == 1 else made.numbers
        )


def test_exercises_by_other_means():
    """SciPy and NumPy stand in for a pupil."""
    sums = ndimage.correlate(PLANE, SOBEL, mode="constant")
    other = ndimage.correlate(PLANE, SOBEL.T, mode="constant")
    ones = np.ones_like(PLANE)
    total = ndimage.uniform_filter(PLANE, 3, mode="constant")
    squares = ndimage.uniform_filter(PLANE**2, 3, mode="constant") * 9
    disk = np.hypot(*np.mgrid[-2:3, -2:3]) <= 2
    relu = np.maximum([sums, other], 0)
    marked = PLANE[[1, 1, 2, 3], [1, 2, 2, 2]]
    batch = np.stack([PLANE[i : i + 2, :3] for i in (0, 2, 4)])
    found = {
        "images": COLOR @ [0.299, 0.587, 0.114],
        "adjacency": ndimage.correlate(ones, disk.astype(float), mode="constant"),
        "convolution": sums,
        "perceptron": (sums - 4) / np.sqrt(12),
        "layer": np.moveaxis(relu, 0, -1),
        "pooling": ndimage.maximum_filter(PLANE, 3, mode="nearest"),
        "stride": (total / ndimage.uniform_filter(ones, 3, mode="constant"))[::2, ::2],
        "normalization": PLANE / np.sqrt(squares),
        "batch": (batch - batch.mean(0)) / batch.std(0, ddof=1),
        "plate": ndimage.maximum_filter(relu[0], (1, 5), mode="constant"),
        "flattening": np.moveaxis(relu, 0, -1)[::3, ::3].reshape(-1),
        "strokes": (PLANE - marked.mean()) / (marked.std() + 0.01),
    }
    for lesson, array in found.items():
        mark = mark_array(array.round(2).tolist(), exercise(lesson), "en")
        assert mark.verdict == "right", (lesson, mark)


# -- wrong answers ---------------------------------------------------------------------------------


def convolved(mode="constant"):
    return ndimage.correlate(PLANE, SOBEL, mode=mode)


def with_one_wrong(at, value):
    array = convolved()
    array[at] = value
    return array


@pytest.mark.parametrize(
    ("lesson", "array", "words"),
    [
        ("convolution", convolved("nearest"), "with the border “nearest spel”"),
        ("convolution", convolved("mirror"), "with the border “mirrored”"),
        ("convolution", convolved()[1:-1, 1:-1], "with the border “only windows inside”"),
        ("convolution", convolved()[1:-1, 1:-1], "shape 4 x 5 x 1; expected 6 x 7 x 1"),
        ("convolution", convolved()[::2, ::2], "with a stride of 2"),
        ("convolution", -convolved(), "of a flipped kernel"),
        ("convolution", convolved().T, "with rows and columns exchanged"),
        ("convolution", with_one_wrong((2, 3), 99.0), "1 of 42 values differ, the first at (2, 3)"),
        ("convolution", with_one_wrong((5, 6), 99.0), "all where the window leaves the image"),
        ("convolution", np.full((6, 7), np.nan), "NaN"),
        ("convolution", convolved()[:5], "shape 5 x 7 x 1; expected"),
        ("convolution", [[1, 2], [3]], "no array of numbers"),
        ("convolution", 5, "no array of numbers"),
        ("convolution", {"a": 1}, "no array of numbers"),
        ("convolution", "1 2 3\n4 x 6", "no array of numbers"),
        ("perceptron", convolved() / np.sqrt(12), "without the bias"),
        ("layer", np.stack([convolved(), ndimage.correlate(PLANE, SOBEL.T, mode="constant")], -1),
         "without the activation"),
        ("stride", ndimage.uniform_filter(PLANE, 3, mode="constant")[::2, ::2],
         "divided by all spels of the window"),
        ("stride", ndimage.uniform_filter(PLANE, 3)[1:-1:2, 1:-1:2], "“only windows inside”"),
        ("plate", ndimage.maximum_filter(np.maximum(convolved(), 0), (5, 1), mode="constant"),
         "width and height exchanged"),
        ("flattening", exercise("flattening").answer().reshape(-1, 2).T.ravel(),
         "all spels of one channel"),
    ],
)  # fmt: skip
def test_a_wrong_array_is_told_what_it_is(lesson, array, words):
    given = array.tolist() if isinstance(array, np.ndarray) else array
    mark = mark_array(given, exercise(lesson), "en")
    assert mark.verdict == "wrong"
    assert words in mark.remark


def test_an_array_in_words_is_read_row_by_row():
    rows = "\n".join(" ".join(f"{v:g}" for v in row) for row in convolved())
    assert mark_array(rows, exercise("convolution"), "pt").verdict == "right"
    both = [f"{v:g}" for v in exercise("layer").answer().transpose(2, 0, 1).ravel()]
    lines = [" ".join(both[i : i + 7]) for i in range(0, 84, 7)]
    text = "\n".join(lines[:6]) + "\n\n" + "\n".join(lines[6:])
    assert mark_array(text, exercise("layer"), "en").verdict == "right"
    vector = " ".join(f"{v:g}" for v in exercise("flattening").answer())
    assert mark_array(vector, exercise("flattening"), "en").verdict == "right"


def test_wrong_answers_have_their_sentence(session, notebook, tmp_path):
    path = saved(tmp_path, worked(notebook, {"1": 5.0, "2": "a", "array": [[1.0]]}))
    first, second, array = marks(session, read_handed_in(path))
    assert (first.verdict, first.remark) == ("wrong", "5 is too large")
    assert second.remark == "Next to a bright rim, zero looks like an edge."
    assert array.remark == "shape 1 x 1 x 1; expected 6 x 7 x 1"


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("-3.28", "right"),
        ("−3,28", "right"),
        ([-3.28], "right"),
        ("three", "wrong"),
        (True, "wrong"),
        (1e999, "wrong"),
        ({}, "wrong"),
        (" ", "missing"),
        (None, "missing"),
    ],
)
def test_numbers_are_taken_as_people_write_them(session, tmp_path, answer, verdict):
    head = {"format": "spel-worksheet.v1", "lesson": "convolution", "language": "pt"}
    given = json.dumps(answer).replace("Infinity", '"inf"')
    text = json.dumps({**head, "answers": {"1": 0}}).replace('"1": 0', f'"1": {given}')
    sheet = read_handed_in(saved(tmp_path, text, "answers.json"))
    marked = marks(session, sheet)
    assert marked[0].verdict == verdict
    assert [mark.verdict for mark in marked[1:]] == ["missing", "missing"]
    assert "removida" in marked[1].remark


# -- mutilated worksheets --------------------------------------------------------------------------


def test_cells_that_are_gone_or_were_not_run(session, notebook, tmp_path):
    marked = marks(session, read_handed_in(saved(tmp_path, notebook)))
    assert {mark.verdict for mark in marked} == {"missing"}
    assert "was not run" in marked[0].remark
    notebook["cells"] = [1, None, {"metadata": 3}, {"metadata": {"spel": {"task": 7}}}]
    marked = marks(session, read_handed_in(saved(tmp_path, notebook)))
    assert {mark.remark for mark in marked} == {
        "its cell was removed or changed; take it from a fresh worksheet"
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda n: n["metadata"].pop("spel"), "no worksheet of spel"),
        (lambda n: n["metadata"]["spel"].update(language="xx"), "which lesson and language"),
        (lambda n: n.update(cells=5), "no list of cells"),
        (lambda n: n.update(metadata=[]), "no worksheet of spel"),
    ],
)
def test_a_mutilated_notebook_is_refused_in_one_line(notebook, tmp_path, change, words):
    change(notebook)
    with pytest.raises(FormatError, match=words) as refused:
        read_handed_in(saved(tmp_path, notebook))
    assert "\n" not in str(refused.value)
    assert "sheet.ipynb" in str(refused.value)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "null", '{"format": "spel-worksheet.v1"}', "[" * 100_000]
)
def test_other_files_are_refused(tmp_path, text):
    with pytest.raises(FormatError, match=r"sheet\.ipynb"):
        read_handed_in(saved(tmp_path, text))


def test_a_printed_answer_that_is_cut(notebook, tmp_path):
    for cell in notebook["cells"]:
        if cell["metadata"].get("spel", {}).get("task") == "array":
            cell["outputs"] = [{"text": "answer array: [[1, 2"}, {"data": {}}, 5]
    with pytest.raises(FormatError, match="task array printed is cut"):
        read_handed_in(saved(tmp_path, notebook))


def test_an_unknown_lesson_is_named(session, notebook, tmp_path):
    notebook["metadata"]["spel"]["lesson"] = "nope"
    sheet = read_handed_in(saved(tmp_path, notebook))
    with pytest.raises(ParameterError, match="no lesson 'nope'; expected one of images"):
        marks(session, sheet)
    with pytest.raises(ParameterError, match="no step 9"):
        lesson_step("convolution", 9)


# -- the command -----------------------------------------------------------------------------------


def test_the_command_writes_and_marks(tmp_path, capsys):
    assert run(["lesson", "list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(IDS)
    assert run(["lesson", "export", "activation", "--out", str(tmp_path / "a"), "-q"]) == 0
    made = tmp_path / "a" / "activation.ipynb"
    assert (tmp_path / "a" / "activation.html").exists()
    answers = {"1": 0, "2": 12, "3": "B"}
    saved(tmp_path / "a", worked(json.loads(made.read_text("utf-8")), answers), made.name)
    page = str(tmp_path / "a" / "activation.html")
    capsys.readouterr()
    assert run(["lesson", "check", str(made), page]) == 4
    out, err = capsys.readouterr()
    assert "activation.ipynb: 1 of 4 right" in out
    assert "2      wrong: 12 is too small" in out
    assert err.count("\n") == 1
    assert "the file that its button at the end saved" in err
    assert run(["lesson", "check", str(made), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["right"] == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["export", "nope", "--out", "x"], "there is no lesson 'nope'"),
        (["export", "stride", "--out", "x.pdf"], "a notebook (.ipynb) or a page (.html)"),
        (["export", "all", "--out", "x.html"], "name a folder for all lessons"),
        (["check", "nothing.ipynb"], "nothing.ipynb"),
    ],
)
def test_wrong_commands_are_one_line(capsys, arguments, words):
    assert run(["lesson", *arguments]) == 3
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1
