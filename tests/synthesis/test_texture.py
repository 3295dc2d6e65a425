"""Textures: the statistics of the sample, patches of the sample, tiles without a seam."""

import numpy as np
import pytest

import spel
from spel import ParameterError, ShapeError
from spel.cli.main import run
from spel.data import cells
from spel.synthesis import quilt, texture, texture_differences
from spel.synthesis.quilt import boundary, cut, starts
from spel.synthesis.texture import Axes
from spel.synthesis.texture_bank import adjoint, level_count, periodic, picture_levels
from spel.synthesis.texture_descent import descend
from spel.synthesis.texture_goal import Goal, noise


@pytest.fixture(scope="module")
def sample():
    return cells(3).image[:72, :80]


def seam(picture):
    """The mean step over each edge of the picture, over the mean step inside."""
    values = picture.astype(float)
    over = [abs(np.take(values, 0, axis) - np.take(values, -1, axis)).mean() for axis in (0, 1)]
    inside = [abs(np.diff(values, axis=axis)).mean() for axis in (0, 1)]
    return np.array(over) / inside


@pytest.mark.parametrize("size", [(48, 56), (37, 50)])
def test_the_bank_and_its_adjoint_are_one_another_s(size):
    rng = np.random.default_rng(0)
    planes = rng.normal(size=(2, *size)).astype(np.float32)
    seen = picture_levels(planes, 3)
    other = picture_levels(rng.normal(size=(2, *size)).astype(np.float32), 3)
    products = sum(
        np.vdot(a.low.astype(float), b.low) + np.vdot(a.pairs.astype(float), b.pairs)
        for a, b in zip(seen, other, strict=True)
    )
    assert np.vdot(planes.astype(float), adjoint(other, size)) == pytest.approx(products, rel=1e-5)


@pytest.mark.parametrize(("method", "near", "steep"), [("joint", 0.01, 0), ("histograms", 0.05, 2)])
def test_what_pulls_is_the_gradient(sample, method, near, steep):
    goal = Goal(Axes.of(sample).planes(sample), (40, 44), method)
    rng = np.random.default_rng(1)
    planes, way = rng.normal(size=(2, len(goal.sample), 40, 44)).astype(np.float32)
    _, pulls = goal.miss(planes)
    down = adjoint(pulls, (40, 44))
    way += steep * down / down.std()  # so that ranks which change do not matter beside it
    ahead, behind = (goal.miss(planes + h * way)[0] for h in (0.01, -0.01))
    slope = np.vdot(down, way)
    assert slope == pytest.approx((ahead - behind) / 0.02, rel=near)


def test_a_periodic_sample_has_no_step_at_its_sides():
    rows, cols = np.indices((24, 30))
    slope = (3.0 * rows - 2.0 * cols)[None]
    flat = periodic(slope)
    assert flat.mean() == pytest.approx(slope.mean(), abs=1e-4)
    assert abs(flat[:, 0] - flat[:, -1]).max() < abs(slope[:, 0] - slope[:, -1]).max() / 8
    waves = np.cos(2 * np.pi * rows / 24) + np.sin(2 * np.pi * cols / 30)
    assert np.corrcoef(periodic(waves[None]).ravel(), waves.ravel())[0, 1] > 0.99


def test_a_periodic_sample_has_its_own_statistics(sample):
    axes = Axes.of(sample)
    planes = axes.periodic(sample)
    goal = Goal(planes, planes.shape[1:], "joint")
    for moved in (planes, np.roll(planes, (8, 16), (1, 2))):
        goal.miss(moved)
        assert max(goal.differences[name] for name in goal.differences if name.endswith("0")) < 1e-4
    assert (axes.planes(axes.picture(planes, sample)) == planes).all()


def test_the_range_of_colours_is_a_limit_with_a_gradient(sample):
    axes, rng = Axes.of(sample), np.random.default_rng(0)
    planes, way, weight = rng.normal(0, 2, (3, 3, 9, 11)).astype(np.float32)
    inside, back = axes.within(planes, sample)
    legal = axes.planes(axes.picture(planes, sample.astype(float)))
    np.testing.assert_allclose(inside, legal, atol=1e-4)
    assert abs(inside - planes).max() > 0.1
    ahead, behind = (axes.within(planes + h * way, sample)[0] for h in (1e-3, -1e-3))
    slope = np.vdot(weight, (ahead - behind) / 2e-3)
    assert np.vdot(back(weight), way) == pytest.approx(slope, rel=0.02)


def test_what_is_not_free_stays():
    rng = np.random.default_rng(0)
    goal, start = rng.normal(size=(2, 2, 12, 15)).astype(np.float32)
    free = (np.indices((12, 15)).sum(axis=0) % 2).astype(np.float32)
    scale = np.geomspace(1, 30, 15, dtype=np.float32)

    def fall(planes):
        away = planes - goal
        return float((scale * away**2).sum()), 2 * scale * away

    found = descend(fall, start, 60, free=free)
    assert (found[:, free == 0] == start[:, free == 0]).all()
    assert abs(found - goal)[:, free == 1].max() < 0.02
    assert descend(fall, start, 5, reached=lambda: True) is start


def test_rounding_is_made_up_for():
    """The sample has few grey values: rounding a picture changes its finest statistics."""
    coarse = np.rint(np.random.default_rng(2).normal(100, 1.2, (48, 48, 1))).astype(np.uint8)
    axes = Axes.of(coarse)
    goal = Goal(axes.periodic(coarse), (48, 48), "joint")

    def unlimited(planes):
        return planes, same

    def same(planes):
        return planes

    def whole(planes):
        return axes.planes(axes.picture(planes, coarse))

    away = []
    for legal in (whole, same):
        start = noise(goal.sample, (48, 48), 0)
        goal.miss(whole(goal.reached(start, 100, legal, unlimited, lambda: None)))
        away.append(np.mean(list(goal.differences.values())))
    assert away[0] < 0.9 * away[1]


def test_rounding_keeps_the_hue():
    """Along an axis with a deviation of one grey value rounding is the least of what is wrong."""
    rng = np.random.default_rng(0)
    light, hue = 40 * rng.normal(size=(60, 60, 1)), 1.2 * rng.normal(size=(60, 60, 1))
    image = np.rint(128 + light + hue * np.array([1, 0, -1])).clip(0, 255).astype(np.uint8)
    axes, colors = Axes.of(image), rng.uniform(60, 200, (500, 3))
    lengths = []
    for whole in (axes.whole(colors), np.rint(colors)):
        assert (whole == np.rint(whole)).all()
        lengths.append(np.square((whole - colors) @ np.linalg.pinv(axes.mixing)).sum())
    assert lengths[0] < lengths[1] / 2
    grey = np.repeat(image[..., :1], 3, axis=2)
    assert np.ptp(Axes.of(grey).whole(np.repeat(colors[:, :1], 3, axis=1)), axis=1).max() == 0


def test_statistics_are_matched_from_noise(sample):
    pair = sample[:64, :64, :2]
    noise = np.random.default_rng(5).permutation(pair.reshape(-1, 2)).reshape(pair.shape)
    before = texture_differences(pair, noise)
    picture = texture(pair, (56, 60), rounds=18)
    after = texture_differences(pair, picture)
    assert set(after) == set(before)
    assert np.mean(list(after.values())) < 0.03 < np.mean(list(before.values()))
    assert picture.dtype == pair.dtype
    assert (picture.min((0, 1)) >= pair.min((0, 1))).all()
    assert (picture.max((0, 1)) <= pair.max((0, 1))).all()


def test_histograms_are_matched_from_noise(sample):
    plane = sample[..., 1].astype(np.float32) / 255
    picture = texture(plane, (64, 70), method="histograms", rounds=15)
    assert picture.shape == (64, 70)
    assert picture.dtype == np.float32
    assert max(texture_differences(plane, picture, method="histograms").values()) < 0.1


def test_textures_are_tileable_and_the_seed_says_all(sample):
    plane = sample[..., :1]
    first, again, other = (texture(plane, (50, 61), rounds=5, seed=s) for s in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
    assert seam(first).max() < 1.5
    one, two, three = (quilt(plane, (50, 61), tileable=True, seed=s) for s in (1, 1, 2))
    assert (one.origin == two.origin).all()
    assert (one.origin != three.origin).any()
    assert seam(one.picture).max() < 1.8


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float64])
@pytest.mark.parametrize("tileable", [False, True])
def test_every_spel_of_a_quilt_is_one_of_the_sample(sample, dtype, tileable):
    values = sample.astype(dtype) * dtype(1)
    quilted = quilt(values, (40, 47), patch=15, overlap=4, tileable=tileable)
    rows, cols = np.moveaxis(quilted.origin, -1, 0)
    assert quilted.picture.dtype == dtype
    assert (quilted.picture == values[rows, cols]).all()
    steps = np.diff(quilted.origin, axis=1) == [0, 1]
    assert steps.all(axis=-1).mean() > 0.8  # most spels stand beside those of the sample


def test_a_sample_that_repeats_is_continued():
    stripes = np.tile(np.array([0, 10, 50, 10], dtype=np.uint8), (24, 6))
    picture = quilt(stripes, (30, 43), patch=8, overlap=3, tolerance=0).picture
    assert (picture == np.tile(picture[:1, :4], (30, 11))[:, :43]).all()


def test_boundaries_follow_the_least_error():
    assert boundary(np.array([[5, 1, 5], [5, 5, 1], [3, 9, 5]])).tolist() == [1, 2, 2]
    errors = np.ones((3, 4))
    errors[:, 1] = 0
    assert cut(errors, (0, 0, 2, 0)).astype(int).tolist() == [[0, 1, 1, 1]] * 3
    assert cut(errors, (0, 0, 0, 3)).astype(int).tolist() == [[1, 1, 0, 0]] * 3


def test_patches_cover_an_axis():
    assert starts(20, 8, 2, tileable=False) == [(0, 0, 0), (6, 2, 0), (12, 2, 0)]
    assert starts(12, 8, 2, tileable=True) == [(0, 0, 0), (6, 2, 2)]
    assert starts(5, 8, 2, tileable=False) == [(0, 0, 0)]


def test_levels_have_room():
    assert level_count((18, 90), (300, 300)) == 1
    assert level_count((256, 256), (256, 256)) == 4
    assert level_count((256, 256), (20, 256)) == 2


def test_one_colour_stays(sample):
    grey = np.full((20, 30, 2), [7, 9], dtype=np.uint16)
    assert (texture(grey, (9, 11)) == [7, 9]).all()
    assert (quilt(grey, (9, 11)).picture == [7, 9]).all()
    opaque = np.concatenate([sample, np.full_like(sample[..., :1], 255)], axis=-1)
    assert (texture(opaque, (20, 20), rounds=2)[..., 3] == 255).all()


@pytest.mark.parametrize("make", [texture, quilt])
def test_wrong_samples_are_refused(make):
    with pytest.raises(ShapeError, match="17 x 30 spels; expected 18 x 18"):
        make(np.zeros((17, 30)))
    with pytest.raises(ShapeError, match="volumes and batches"):
        make(np.zeros((20, 20, 20, 1)))
    with pytest.raises(ShapeError, match="7 x 20 spels; expected 8 x 8"):
        make(np.zeros((20, 20)), (7, 20))
    with pytest.raises(ParameterError, match="NaN or infinity"):
        make(np.full((20, 20), np.nan))


def test_wrong_options_are_refused(sample):
    with pytest.raises(ParameterError, match="method 'nice'"):
        texture(sample, method="nice")
    with pytest.raises(ParameterError, match="0 rounds"):
        texture(sample, rounds=0)
    with pytest.raises(ParameterError, match="patches of 90"):
        quilt(sample, patch=90)
    with pytest.raises(ParameterError, match="fit into the sample and the tileable"):
        quilt(sample, (20, 20), patch=30, tileable=True)
    with pytest.raises(ParameterError, match="overlap of 9"):
        quilt(sample, patch=16, overlap=9)
    with pytest.raises(ParameterError, match="tolerance"):
        quilt(sample, tolerance=float("nan"))
    with pytest.raises(ShapeError, match="a sample of 3 channels"):
        texture_differences(sample, sample[..., 0])


@pytest.mark.parametrize("make", [texture, quilt])
def test_a_picture_beyond_memory_is_refused_before_the_work(sample, make):
    with pytest.raises(ParameterError, match=r"a picture of 1000000 x 1000000 spels would take"):
        make(sample, (1_000_000, 1_000_000))


def test_the_command(sample, tmp_path, capsys):
    file, out = tmp_path / "sample.png", tmp_path / "out.png"
    spel.write(file, sample[:30, :30])
    command = ["texture", str(file), "--size", "16,20", "--out", str(out)]
    assert run([*command, "--method", "quilt", "--tileable", "--patch", "8"]) == 0
    assert spel.read(out).shape == (16, 20, 3)
    assert run(command) == 0
    assert spel.read(out).shape == (16, 20, 3)
    assert "from the sample's on average" in capsys.readouterr().err
    assert run([*command, "--patch", "12"]) == 3
    assert "give it with quilt" in capsys.readouterr().err
