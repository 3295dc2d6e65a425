"""``python -m benchmarks.studio.review``: each fault of a review, and what shows it mended.

Each row names a fault and the tests or steps that would fail if it came back. All of them are run,
and the table says which hold; the status is 1 if one does not. Steps drive the page in Chromium.
The slides are `docs/tutorials/lecture_pictures.py`, every screen is `benchmarks.studio.screens`,
SIGKILL and two windows are `benchmarks.studio.killed`, and the afternoon is
`benchmarks.studio.afternoon`; they print tables of their own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from benchmarks.studio.browser import studio
from benchmarks.studio.steps import STEPS
from spel.studio.sources import samples

TESTS = Path(__file__).resolve().parents[2] / "tests" / "studio"

FAULTS: dict[str, tuple[str, ...]] = {
    # -- the lecture
    "a 40-plane stack shows one plane without a word": (
        "images: planes_of_a_stack",
        "browser_images: numbers_contrast",
    ),
    "12-bit data is nearly black": ("images: twelve_bits",),
    "NaN paints a whole step": ("images: nan_is_shown",),
    "the image has no channel chooser": (
        "images: channels_come",
        "browser_images: numbers_contrast",
    ),
    "J with -9 can be neither typed nor shown": (
        "images: matrix_of_the_lecture",
        "images: what_is_no_matrix",
    ),
    "the neighbours q_i are not drawn": ("browser_images: window_lies_on",),
    "a kernel is only a rectangle": ("laboratory: any_adjacency",),
    "no sliding window, no play": ("browser_images: window_lies_on",),
    "side by side shows the raw image": ("browser_images: window_lies_on",),
    "a kernel under 9 entries gives a blank cloud": ("browser: patch_space_of_a_kernel",),
    "no perpendicular to the plane; the frame is refitted": (
        "browser: plane_follows",
        "parts: plane_in_the_cloud",
    ),
    "batch normalization per spel, gamma, beta": (
        "laboratory: batch_normalization_has",
        "session: every_kind_of_step",
    ),
    "a disk of r = 2.5 is cut in its field": ("step: disk",),
    "zoomed in, the image shows no numbers": ("browser_images: numbers_contrast",),
    "slides out of reach": ("browser_lessons: every_slide",),
    "no drawing of a perceptron": ("step: perceptron",),
    "linear normalization over a batch is missing": (
        "branches: extremes_over_a_batch",
        "branches: one_image_has",
    ),
    "no other branch or join can be built": ("branches:", "step: branch"),
    "no convolutional network before a classifier": ("lessons: layers_before",),
    "the channel returns to 0 at each step": ("step: channel",),
    # -- lessons
    "lessons beside images of the user": ("lessons: images_of_the_user",),
    "the editor is hidden in lessons and for projectors": ("browser_look: editor_is_reached",),
    "answers stand beside the questions": ("browser_lessons: predict_try",),
    "numbers of a lesson are not those on the screen": (
        "lessons: every_step",
        "lessons: answers_by_hand",
    ),
    "a lesson is lost at reload, has no address or keys": (
        "browser_lessons: every_slide",
        "browser_lessons: predict_try",
    ),
    "wrong answers get one sentence for all": ("worksheets: wrong_answers",),
    "names of classes and steps stay English": (
        "browser_look: portuguese_dark",
        "browser_look: every_word",
    ),
    "a lesson replaces a network of the user": ("lessons: never_replaces",),
    "kernels of the coins are shown on streets": (
        "session: judged_by_all_strokes",
        "step: coins",
    ),
    "nothing looks at the strokes": ("laboratory: stroke_is_judged",),
    # -- the laboratory
    "own images go dark under a saliency": ("step: own_images",),
    "decoders have names and no words": ("step: decoders",),
    "markers of nothing are an empty file": ("classes: markers_of_nothing",),
    "Learn forgets the choice of kernels": ("browser: learning_again_asks",),
    "three classes become one saliency": ("classes: strokes_of_two_classes",),
    "markers and masks cannot leave or come in": (
        "classes: masks_and_markers",
        "true_masks: archive_of_the_studio",
        "true_masks: judged_as_by_eval",
    ),
    "no box can be drawn or learned from": (
        "browser_lab: boxes_are_drawn",
        "boxes: the_detector_is",
    ),
    "results of another image lie over this one": ("session: results_are_found",),
    "large images: boxes in another frame": ("large:",),
    "16 bit is shown against 65535": (
        "images: page_gets_the_numbers",
        "images: twelve_bits",
    ),
    "a broken file hangs the kernels": (
        "browser_faults: broken_image",
        "session: broken_image_stops",
        "images: no_image_is_refused",
    ),
    "one broken file stops boxes and masks": (
        "boxes: cannot_be_read",
        "classes: archive_names",
    ),
    "boxes of another image size": ("laboratory: another_size",),
    "no image can be removed": (
        "session: image_is_removed",
        "browser_lab: images_are_dropped",
    ),
    "no thumbnails, no run over a folder": (
        "folder_runs:",
        "browser_lab: images_are_dropped",
    ),
    "objects of another size in a run": ("folder_runs: another_size",),
    "networks and markers cannot be dropped": ("browser_lab: images_are_dropped",),
    "no live learning, no uncertainty": (
        "browser_lab: learning_follows",
        "laboratory: stroke_is_judged",
    ),
    "evaluation without progress": ("laboratory: all_images_are_judged",),
    # -- keyboard, undo, two windows
    "focus falls to the body": ("browser_focus: focus_survives",),
    "three steps take 138 key presses": ("step: keyboard",),
    "a dead server says Failed to fetch": (
        "browser_faults: server_that_is_gone",
        "browser_faults: strokes_drawn",
    ),
    "two servers on one folder": ("journal: folder_belongs",),
    "two windows of one session": (
        "session: another_tab",
        "browser_focus: caret",
        "attack_requests: two_tabs",
    ),
    # -- accessibility and layout
    "axe-core": ("browser_look: axe",),
    "phone and 200 % show no picture": ("browser_look: small_screens",),
    "the wide inspector hides the picture": ("browser_look: wide_inspector",),
    "pinch draws a stroke": ("browser: two_fingers",),
    # -- words
    "server messages in English, with Python": ("refusals:",),
    "refused values stay in their fields": ("browser_focus: values_that_were_refused",),
    "scripts of </> do not run or show other numbers": (
        "parts: code_of",
        "step: compared_code",
    ),
    "messages cover the inspector": ("step: messages",),
    # -- the server under attack
    "paths, hosts, origins, tokens": ("attack:",),
    "31 kB of Cookie, 420 idle connections": (
        "attack_requests: long_cookie",
        "attack_requests: idle_connections",
    ),
    "9 query fields, surrogates, odd JSON": (
        "attack_requests: many_fields",
        "attack_requests: no_unicode",
        "attack_requests: deep_and_odd",
    ),
    "uploads are decoded in the server": (
        "attack_uploads: another_process",
        "attack_uploads: hostile_images",
    ),
    "a full disk, a torn line, 20,000 changes": (
        "attack_uploads: full_disk",
        "journal: torn_line",
        "journal: full_for_a_while",
        "journal: twenty_thousand",
    ),
    "decision.first = x, steps = 2**63": ("attack_uploads: network_that_cannot",),
    "no checksums in the journal": (
        "journal: every_line",
        "journal: damaged_line",
    ),
}
"""By fault, tests as ``file: part of the name``, or steps of this script."""


def main() -> None:
    """Run all tests and steps, and print the table."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    outcomes = {**_tests(), **_steps()}
    missing = 0
    print("| fault | shown mended by | |\n|---|---|---|")
    for fault, proofs in FAULTS.items():
        fine = all(_holds(proof, outcomes) for proof in proofs)
        missing += not fine
        print(f"| {fault} | {'; '.join(proofs)} | {'OK' if fine else 'NOT'} |")
    print(f"\n{len(FAULTS)} faults, {missing} not shown mended")
    sys.exit(1 if missing else 0)


def _holds(proof: str, outcomes: dict[tuple[str, str], bool]) -> bool:
    """Whether there are tests of this name, and all of them passed."""
    file, _, part = proof.partition(":")
    named = [fine for (of, name), fine in outcomes.items() if of == file and part.strip() in name]
    return bool(named) and all(named)


def _tests() -> dict[tuple[str, str], bool]:
    """By file and name, whether the test passed; one that was skipped has not."""
    files = sorted({proof.split(":")[0] for row in FAULTS.values() for proof in row})
    paths = [str(TESTS / f"test_{file}.py") for file in files if file != "step"]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        subprocess.run([*command, f"--junit-xml={report}", *paths], check=False)
        found = ElementTree.parse(report).getroot().iter("testcase")
        return {
            (case.get("classname", "").rpartition("test_")[2], case.get("name", "")): not len(case)
            for case in found
        }


def _steps() -> dict[tuple[str, str], bool]:
    """The steps of this script, each on a page of its own."""
    outcomes = {}
    for name, work in STEPS.items():
        with studio(samples()) as made:
            made.open()
            try:
                print(f"{name}: {work(made)}")
                outcomes["step", name] = not (made.complaints or made.strangers)
            except AssertionError as error:
                print(f"{name}: {error}")
                outcomes["step", name] = False
    return outcomes


if __name__ == "__main__":
    main()
