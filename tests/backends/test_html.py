"""A page to hand out: opened from a file, it computes the engine's numbers by itself."""

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import spel
from spel.backends import to_html
from spel.core.adjacency import Adjacency
from spel.core.bank import KernelBank
from spel.data import street
from spel.errors import ParameterError, UnsupportedLayerError
from spel.nn import (
    Activation,
    Add,
    ArgMax,
    BatchNormalize,
    Color,
    Concatenate,
    Convolution,
    Decode,
    LinearNormalize,
    MaxPool,
    MeanPool,
    MinPool,
    Multiply,
    Network,
    Node,
    Softmax,
    WeightedSum,
    chain,
)

CHROMIUM = os.environ.get("SPEL_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"

OTHERS = chain(
    color=Color("grey"),
    edges=Convolution(
        KernelBank.sobel("col") + KernelBank.sobel("row"), stride=2, border="reflect"
    ),
    soft=Activation("sigmoid"),
    high=MaxPool(Adjacency.disk(2), border="edge"),
    low=MinPool(Adjacency.rectangle(width=4, height=2), border="valid"),
    mean=MeanPool(Adjacency.box(3).dilated(2), stride=2, count="full"),
    sum=WeightedSum([0.5, -2.0], bias=0.25),
)


PLATE = street(3).image[200:290, 230:370]
IMAGE = PLATE[35:75, 30:86]


def learned(space, decoder):
    """A network as learning from strokes makes it, on a colour space and with a decoder."""
    random = np.random.default_rng(5)
    bank = KernelBank.random(Adjacency.disk(1.5), kernels=6, channels=3, seed=2)
    bank = KernelBank(bank.adjacency, bank.weights, random.normal(size=6).astype(np.float32))
    return chain(
        color=Color(space),
        conv=Convolution(bank),
        relu=Activation("relu"),
        pool=MaxPool(Adjacency.box(3)),
        decoder=Decode(decoder, (True, False, True, True, False, False)),
    )


def normalized():
    """Normalizations of each kind that a page has, side by side."""
    grey = chain(rgb=Color("rgb"))(IMAGE)
    batch = np.stack([grey, grey[::-1] ** 2, grey[:, ::-1] / 3])
    per_channel = BatchNormalize(over="channel", gamma=2.0, beta=-0.5).fitted(batch)
    nodes = [
        Node("color", Color("rgb"), ("input",)),
        Node("domain", LinearNormalize(), ("color",)),
        Node("channels", LinearNormalize(over="channels"), ("color",)),
        Node("batch", per_channel, ("color",)),
        Node("spels", BatchNormalize(epsilon=0.1).fitted(batch), ("color",)),
        Node("all", Concatenate(), ("domain", "channels", "batch", "spels")),
    ]
    return Network(tuple(nodes))


def classes():
    """Probabilities of classes behind a gate of one channel, as strokes make them."""
    bank = KernelBank.random(Adjacency.box(3), kernels=4, channels=3, seed=1)
    nodes = [
        Node("color", Color("rgb"), ("input",)),
        Node("scores", Convolution(bank), ("color",)),
        Node("probability", Softmax(), ("scores",)),
        Node("gate", WeightedSum([0.5, -0.25, 0.125], bias=0.5), ("color",)),
        Node("gated", Multiply(), ("probability", "gate")),
        Node("sum", Add(), ("gated", "scores", "gate")),
        Node("label", ArgMax(), ("sum",)),
    ]
    return Network(tuple(nodes))


NETWORKS = {
    "others": OTHERS,
    "lab": learned("lab", "lt"),
    "labnorm2": learned("labnorm2", "lm-balanced"),
    "labnorm2-rgba": learned("labnorm2-rgba", "at"),
    "labnorm2-jpeg": learned("labnorm2-jpeg", "mb"),
    "labnorm2-direct": learned("labnorm2-direct", "lm"),
    "ycbcr": learned("ycbcr", "ts*"),
    "rgb": learned("rgb", "ts"),
    "normalized": normalized(),
    "classes": classes(),
    "eggs": spel.load("parasite-eggs"),
    "plate": spel.zoo.plate_lecture(),
}


def test_it_holds_all_and_asks_nobody():
    page = to_html(OTHERS, street(3).image[:48, :64], title="a </script> b")
    assert "http" not in page
    assert page.count("</script>") == 2


def test_what_it_cannot_compute_is_refused_by_name():
    bank = KernelBank.sobel("col") + KernelBank.sobel("row")
    net = chain(grey=Color("grey"), edges=Convolution(bank), out=Decode("pb", (True, False)))
    with pytest.raises(UnsupportedLayerError, match=r"node 'out'.*pb"):
        to_html(net, np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(ParameterError, match="at most 480 x 640"):
        to_html(OTHERS, np.zeros((500, 641, 3), np.uint8))


@pytest.mark.flaky(reruns=2, reruns_delay=1)
@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no chromium")
def test_its_numbers_are_the_engine_s(tmp_path):
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    # In a thread of its own: this one may hold the browser of other tests.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(compare_in_a_browser, tmp_path).result()


def compare_in_a_browser(tmp_path):
    import playwright.sync_api as api

    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, network in NETWORKS.items():
            file = tmp_path / f"{name}.html"
            image = PLATE if name == "plate" else IMAGE
            file.write_text(to_html(network, image), encoding="utf-8")
            page = browser.new_page()
            said = []
            page.on("pageerror", lambda error, said=said: said.append(str(error)))
            page.goto(file.as_uri())
            text = page.evaluate(
                "handout.ready().then(() => JSON.stringify([...handout.results].map(([name, r]) =>"
                " [name, r.rows, r.cols, r.planes.map((p) => [...p])])))"
            )
            assert said == []
            computed = {n: np.reshape(p, (len(p), r, c)) for n, r, c, p in json.loads(text)}
            for node, activation in network.activations(image).items():
                planes = np.moveaxis(activation, -1, 0)
                top = max(1.0, float(np.abs(planes).max()))
                np.testing.assert_allclose(
                    computed[node], planes, atol=1e-5 * top, rtol=0, err_msg=f"{name}: {node}"
                )
        # A weight is edited: what follows changes.
        page.click("[data-step=edges]")
        before = page.evaluate("handout.results.get('join').planes[0].reduce((a, b) => a + b)")
        page.locator("td input").first.fill("3")
        page.locator("td input").first.press("Enter")
        total = "handout.results.get('join').planes[0].reduce((a, b) => a + b)"
        after = page.evaluate(f"handout.ready().then(() => {total})")
        assert before != after
        assert page.evaluate("document.activeElement.localName") == "input"
        # So is what a bias changes.
        page.get_by_label("bias").fill("-2")
        page.get_by_label("bias").press("Enter")
        assert page.evaluate(f"handout.ready().then(() => {total})") != after
        browser.close()
