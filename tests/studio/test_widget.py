"""The widget: the studio's routes answer messages of a notebook, without a server."""

import json
import struct
import sys

import numpy as np
import pytest

import spel
from spel.data import street
from spel.errors import BackendMissingError, ParameterError, ShapeError
from spel.studio.widget import STATIC, Bridge, page_files, widget


@pytest.fixture(scope="module")
def bridge():
    made = Bridge(spel.zoo.load("plate-lecture"), street(3).image)
    yield made
    made.close()


def ask(bridge, path, **message):
    head, (body,) = bridge.answer({"id": 7, "path": path, **message}, [])
    assert head["id"] == 7
    return head, body


def test_the_page_reads_the_network_and_its_run(bridge):
    head, body = ask(bridge, "/api/document")
    assert head["status"] == 200
    document = json.loads(body)
    assert [one["name"] for one in document["networks"]] == ["network"]
    _, body = ask(bridge, "/api/run?network=network&image=image")
    steps = json.loads(body)["steps"]
    assert [one["name"] for one in steps] == list(spel.zoo.load("plate-lecture").names)
    head, body = ask(bridge, f"/api/arrays/{steps[0]['id']}/0")
    assert head["headers"]["content-type"] == "application/octet-stream"
    assert struct.unpack("<I", body[:4])[0] < len(body)


def test_the_numbers_are_those_of_the_engine(bridge):
    network, image = spel.zoo.load("plate-lecture"), street(3).image
    where = "network=network&image=image&node=edges&row=270&col=290&channel=0"
    _, body = ask(bridge, f"/api/trace?{where}")
    assert json.loads(body)["value"] == network.activations(image)["edges"][270, 290, 0]


def test_an_edit_on_the_page_is_a_command(bridge):
    command = {"do": "bypass_step", "network": "network", "node": "positive", "off": True}
    text = json.dumps({"command": command})
    head, _ = ask(bridge, "/api/do", method="POST", body=text)
    assert head["status"] == 200
    assert bridge.session.document.entry("network").bypassed == {"positive"}


def test_what_is_refused_has_a_status(bridge):
    assert ask(bridge, "/api/nothing")[0]["status"] == 404
    assert ask(bridge, "/api/run?network=no&image=image")[0]["status"] == 422
    assert ask(bridge, "/api/do", method="POST", body="[")[0]["status"] == 422


def test_the_widget_carries_the_studio_itself():
    files = page_files()
    scripts = {p.relative_to(STATIC).as_posix() for p in STATIC.rglob("*.js")}
    assert scripts <= set(files)
    assert files["main.js"] == (STATIC / "main.js").read_text("utf-8")
    styles = [name for name in files if name.endswith(".css")]
    assert styles[0] == "styles/base.css"
    assert len(styles) == len(list(STATIC.rglob("*.css")))


def test_without_anywidget_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(BackendMissingError, match="pip install") as refused:
        spel.widget(spel.zoo.load("plate-lecture"), np.zeros((4, 5)))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("image", "error"),
    [
        (np.zeros(3), ShapeError),
        (np.zeros((2, 3, 4, 1)), ShapeError),
        (np.zeros((0, 3)), ShapeError),
        (np.array([["a"]]), ParameterError),
    ],
)
def test_images_that_the_page_cannot_show(image, error):
    with pytest.raises(error, match=r"^widget: an image of"):
        Bridge(spel.zoo.load("plate-lecture"), image)


def test_a_real_widget_answers_messages():
    pytest.importorskip("anywidget", reason="anywidget is not installed")
    shown = widget(spel.zoo.load("plate-lecture"), street(3).image, height=300)
    sent = []
    shown.send = lambda content, buffers: sent.append((content, buffers))
    shown._handle_custom_msg({"id": 1, "path": "/api/constants"}, [])
    assert sent[0][0]["status"] == 200
    assert shown.height == 300
