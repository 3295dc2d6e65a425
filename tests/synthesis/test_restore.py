"""Restoration: better than what it started from, explained spel by spel, refused by name."""

import json
from dataclasses import asdict

import numpy as np
import pytest

import spel
from spel import FormatError, ParameterError, ShapeError
from spel.cli.main import run
from spel.data import street
from spel.synthesis import Task, learn_restorer, load_restorer, luma, resized
from spel.synthesis.groups import Groups
from spel.synthesis.learn_restorer import enough


def decibels(clean, other):
    return 10 * np.log10(1 / np.mean(np.square(clean - other)))


@pytest.fixture(scope="module")
def clean():
    return [luma(street(seed).image, 255)[180:360, 160:400] for seed in (1, 2, 3)]


@pytest.mark.parametrize("text", ["denoise:25", "enlarge:2", "deblur:1.5"])
def test_a_restored_picture_is_nearer_to_the_clean_one(clean, text):
    task = Task.parse(text)
    restorer = learn_restorer(clean[:2], task, anchors=12, patches=24_000)
    whole = task.whole(clean[2])
    spoiled = task.spoil(whole, seed=9)
    before = resized(spoiled, whole.shape) if task.factor > 1 else spoiled
    after = restorer(spoiled)[..., 0]
    assert after.shape == whole.shape
    assert decibels(whole, after) > decibels(whole, before) + 0.5


@pytest.fixture(scope="module")
def small(clean):
    return learn_restorer(clean[:1], Task("enlarge", 2), anchors=4, side=3, patches=4000)


def test_every_spel_is_explained_by_hyperplanes_stage_by_stage(small, clean):
    plane = clean[2][:20, :30]
    restored = small.restored(plane)
    for at in ((0, 0), (17, 33), (39, 59)):
        first, second = small.explain(plane, at)
        for why, done in zip((first, second), restored):
            assert why.value == pytest.approx(float(done[at]), abs=1e-5)
            weights = why.source_weights.sum() + why.before_weights.sum()
            assert weights == pytest.approx(1, abs=1e-4)
            products = (why.source * why.source_weights).sum()
            products += (why.before * why.before_weights).sum()
            assert why.value == pytest.approx(float(products), abs=1e-5)
        assert first.before.size == 0
        assert len(first.anchors) == {(0, 0): 4, (17, 33): 9, (39, 59): 4}[at]
    with pytest.raises(ShapeError, match="a spel of its"):
        small.explain(plane, (40, 0))


def test_what_is_turned_is_restored_alike(small, clean):
    plane = clean[2][:21, :30]
    restored = small(plane)[..., 0]
    assert np.allclose(small(plane.T)[..., 0], restored.T, atol=1e-4)
    assert np.allclose(small(plane[:, ::-1])[..., 0], restored[:, ::-1], atol=1e-4)


def test_constant_pictures_stay_and_channels_do_not_mix(small):
    image = np.stack([np.full((8, 9), 50), np.full((8, 9), 200)], axis=-1).astype(np.uint8)
    restored = small(image, white=255)
    assert restored.shape == (16, 18, 2)
    assert np.allclose(restored, [50, 200], atol=1e-2)


def test_files_come_back_and_others_are_refused(small, tmp_path, clean):
    small.save(tmp_path / "r.safetensors")
    again = load_restorer(tmp_path / "r.safetensors")
    assert (again(clean[2][:9, :9]) == small(clean[2][:9, :9])).all()
    spel.chain(spel.Activation("relu")).save(tmp_path / "net.safetensors")
    with pytest.raises(FormatError, match="not a restorer"):
        load_restorer(tmp_path / "net.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    with pytest.raises(FormatError, match="expected a restorer that spel learn-restore wrote"):
        load_restorer(tmp_path / "broken.safetensors")
    with pytest.raises(FormatError, match="there is no such file"):
        load_restorer(tmp_path / "missing.safetensors")
    with pytest.raises(FormatError, match="a folder"):
        load_restorer(tmp_path)


@pytest.mark.parametrize(
    ("field", "value"),
    [("source", -3), ("source", 9.0), ("source", 10**9), ("softness", "0"), ("softness", -1.0)]
    + [("task", 3), ("task", "enlarge:99"), ("stages", []), ("stages", [3]), ("step", 0)]
    + [("compared", 5), ("before", 3), ("anchors0", 0), ("weights1", np.nan)],
)
def test_every_value_of_a_file_is_checked_where_it_is_read(small, tmp_path, field, value):
    from safetensors.numpy import load_file, save_file

    path = tmp_path / "r.safetensors"
    small.save(path)
    stages = [{**asdict(stage.layout), "softness": 0.5} for stage in small.stages]
    about = {"kind": "restorer.v2", "task": str(small.task), "stages": stages}
    arrays = load_file(path)
    if field in arrays:
        arrays[field] = arrays[field][:value] if value == 0 else arrays[field] * value
    else:
        (about if field in about else stages[0])[field] = value
    save_file(arrays, path, metadata={"spel": json.dumps(about)})
    with pytest.raises(FormatError, match=r"r\.safetensors: ") as error:
        load_restorer(path)
    assert "\n" not in str(error.value)


def test_wrong_tasks_and_pictures_are_refused(small, clean):
    for text in ("enlarge:5", "denoise:0", "sharpen:3", "deblur"):
        with pytest.raises(ParameterError, match="restoration"):
            Task.parse(text)
    with pytest.raises(ParameterError, match="odd sides"):
        learn_restorer(clean, Task("denoise", 5), side=4)
    with pytest.raises(ParameterError, match="side of"):
        learn_restorer([clean[0][:9, :9]], Task("denoise", 5))
    with pytest.raises(ParameterError, match="0 pictures"):
        learn_restorer([], Task("denoise", 5))
    with pytest.raises(ParameterError, match="NaN or infinity"):
        learn_restorer([np.full_like(clean[0], np.nan)], Task("denoise", 5))
    with pytest.raises(ShapeError, match="volumes"):
        small(np.zeros((3, 4, 5, 1)))


def test_the_commands_learn_and_restore(tmp_path, capsys):
    for seed in (1, 2):
        spel.write(tmp_path / f"{seed}.png", street(seed).image[200:300, 200:320])
    out = tmp_path / "r.safetensors"
    learn = ["learn-restore", str(tmp_path / "1.png"), "--task", "enlarge:2", "--out", str(out)]
    assert run([*learn, "--anchors", "4"]) == 0
    done = tmp_path / "large.png"
    assert run(["restore", str(out), str(tmp_path / "2.png"), "--out", str(done)]) == 0
    assert spel.read(done).shape == (200, 240, 3)
    capsys.readouterr()
    assert run(["learn-restore", str(done), "--task", "shrink:2", "--out", str(out)]) == 3
    assert "expected denoise:SIGMA" in capsys.readouterr().err
    floats = tmp_path / "floats.tif"
    spel.write(floats, spel.read(tmp_path / "2.png").astype(np.float32) * 4)
    assert run(["restore", str(out), str(floats), "--out", str(tmp_path / "done.tif")]) == 0
    most = spel.read(floats).max()
    assert f"taken to be {most:g}, its largest number" in capsys.readouterr().err


@pytest.fixture(scope="module")
def against_noise(clean):
    return learn_restorer(clean[:1], Task("denoise", 25), anchors=3, side=5, patches=3000)


def test_a_spel_without_noise_is_explained_by_spels_of_the_whole_window(against_noise, clean):
    """Groups are weighed spel by spel: nothing but the degraded picture is left."""
    assert [len(stage.gates) for stage in against_noise.stages] == [2, 0, 0]
    assert [stage.groups is None for stage in against_noise.stages] == [True, False, False]
    plane = against_noise.task.spoil(clean[2][:26, :31], seed=4)
    restored = against_noise.restored(plane)
    for at in ((0, 0), (13, 17), (25, 30)):
        reasons = against_noise.explain(plane, at)
        for why, done in zip(reasons, restored, strict=True):
            assert why.value == pytest.approx(float(done[at]), abs=1e-5)
            weights = why.source_weights.sum() + why.before_weights.sum()
            assert weights == pytest.approx(1, abs=1e-4)
        assert max(reasons[0].source.shape) < 10 < 14 < min(reasons[1].source.shape)


def test_a_restorer_against_noise_comes_back_from_its_file(against_noise, tmp_path, clean):
    against_noise.save(tmp_path / "r.safetensors")
    again = load_restorer(tmp_path / "r.safetensors")
    assert (again(clean[2][:20, :20]) == against_noise(clean[2][:20, :20])).all()
    assert [s.groups for s in again.stages] == [s.groups for s in against_noise.stages]


@pytest.mark.parametrize(
    ("field", "value"),
    [("gates", 3), ("gates", [0.1] * 9), ("gates", [-1.0]), ("gates", []), ("gates", [True])]
    + [("groups", 3), ("groups", None), ("alike", 0), ("alike", 3), ("alike", 5.0)]
    + [("groups", {"reach": 16, "step": 4, "count": 8, "noise": 0.1})]
    + [("groups", {"reach": 10, "step": 9, "count": 8, "noise": 0.1})]
    + [("groups", {"reach": 10, "step": 4, "count": 7, "noise": 0.1})]
    + [("groups", {"reach": 10, "step": 4, "count": 8, "noise": 0})],
)
def test_gates_and_groups_of_a_file_are_checked(against_noise, tmp_path, field, value):
    from safetensors.numpy import load_file, save_file

    path = tmp_path / "r.safetensors"
    against_noise.save(path)
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    about = json.loads(header["__metadata__"]["spel"])
    about["stages"][field != "gates"][field] = value
    save_file(load_file(path), path, metadata={"spel": json.dumps(about)})
    with pytest.raises(FormatError, match=r"r\.safetensors: ") as error:
        load_restorer(path)
    assert "\n" not in str(error.value)


def test_files_of_the_form_before_are_still_read(small, tmp_path, clean):
    from safetensors.numpy import load_file, save_file

    path = tmp_path / "r.safetensors"
    small.save(path)
    stages = [{**asdict(stage.layout), "softness": stage.softness} for stage in small.stages]
    for stage in stages:
        del stage["alike"]
    about = {"kind": "restorer.v2", "task": str(small.task), "stages": stages}
    save_file(load_file(path), path, metadata={"spel": json.dumps(about)})
    plane = clean[2][:12, :12]
    assert (load_restorer(path)(plane) == small(plane)).all()


@pytest.mark.parametrize("size", [(30, 41), (8, 9), (7, 40)])
def test_groups_weigh_spels_and_the_weights_sum_to_1(clean, size):
    """LAW: <G x, y> = <x, G* y> with the guide at hand, and G 1 = 1."""
    guide = clean[0][: size[0], : size[1]]
    groups = Groups(reach=6, step=3, count=8, noise=0.1)
    x, y = np.random.default_rng(1).normal(size=(2, *size)).astype(np.float32)
    there, back = groups(x, guide), groups.spread(y, guide)
    assert float(np.vdot(there, y)) == pytest.approx(float(np.vdot(x, back)), abs=1e-4)
    assert groups(np.ones_like(x), guide) == pytest.approx(1, abs=1e-5)
    assert len(groups.bands(size)) == (size[0] > 7)


def test_groups_do_not_fail_over_a_guide_without_numbers(clean):
    guide = clean[0][:20, :20].copy()
    guide[3, 4], guide[7, 8] = np.nan, np.inf
    assert Groups(reach=6, step=3, count=8, noise=0.1)(guide, guide).shape == (20, 20)


def test_memory_to_learn_from_many_pictures_is_bounded():
    for count in (1, 50, 1000, 100_000):
        for task in (Task("denoise", 25), Task("enlarge", 4)):
            numbers, side = enough(count, task)
            assert len(numbers) * side**2 <= 3_000_000 * max(4, task.factor**2)
            assert 0 <= numbers[0] <= numbers[-1] < count
            assert len(set(numbers)) == len(numbers)


def test_a_picture_of_one_bit_becomes_one_of_grey_levels(small, tmp_path):
    small.save(tmp_path / "r.safetensors")
    spel.write(tmp_path / "bits.png", np.eye(12) > 0)
    out = tmp_path / "large.png"
    assert (
        run(
            [
                "restore",
                str(tmp_path / "r.safetensors"),
                str(tmp_path / "bits.png"),
                "--out",
                str(out),
            ]
        )
        == 0
    )
    large = spel.read(out)
    assert large.dtype == np.uint8
    assert len(np.unique(large)) > 2
