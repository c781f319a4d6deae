"""`tfxai serve`: what it says when it begins, refuses, and ends."""

from __future__ import annotations

import json
import signal
import socket
import sys
import warnings
from pathlib import Path

import grpc
import httpx
import keras
import pytest

import tfxai
from tests.processes import loaded
from tests.serving.servers import PATIENCE, command, free_port, names, until
from tfxai.cli.serve_options import TOKEN
from tfxai.serving.messages import protos


def test_it_answers_where_it_says_and_ends_well_without_tensorflow():
    with command("--upstream", f"http://127.0.0.1:{free_port()}", waits=False) as started:
        assert httpx.get(f"{started.url}/healthz", trust_env=False).json() == {"live": True}
        assert httpx.get(f"{started.url}/readyz", trust_env=False).status_code == 503
        assert "tensorflow" not in Path(f"/proc/{started.process.pid}/maps").read_text()
        assert started.end(signal.SIGINT) == 0
    lines = [json.loads(line) for line in started.log.splitlines()]
    assert lines[-1]["message"] == "ending: requests that have begun are finished"
    assert {"GET healthz 200", "GET readyz 503"} <= {line["message"] for line in lines}


def test_the_token_comes_from_a_file_or_the_environment(tmp_path, fails):
    file = tmp_path / "token"
    file.write_text("abc\n")
    behind = ("--upstream", f"http://127.0.0.1:{free_port()}")
    for words, environment in ((("--token-file", str(file)), {}), ((), {TOKEN: "abc"})):
        with command(*behind, *words, waits=False, **environment) as started:
            headers = {"authorization": "Bearer abc"}
            assert httpx.get(f"{started.url}/v1/models", trust_env=False).status_code == 401
            answer = httpx.get(f"{started.url}/v1/models", headers=headers, trust_env=False)
            assert answer.json() == {"models": []}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(TOKEN, " ")
        assert f"{TOKEN} is empty, and everybody could ask" in fails("serve", *behind)


def test_who_may_ask_without_a_token_is_logged():
    behind = ("--upstream", f"http://127.0.0.1:{free_port()}")
    for words, environment, is_told in (
        (("--host", "0.0.0.0"), {}, True),
        (("--host", "0.0.0.0"), {TOKEN: "abc"}, False),
        ((), {}, False),
    ):
        with command(*behind, *words, waits=False, **environment) as started:
            assert httpx.get(f"{started.url}/healthz", trust_env=False).json() == {"live": True}
            assert started.end(signal.SIGTERM) == 0
        assert ("without a token: whoever reaches it may ask" in started.log) == is_told


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Pass one of --model-base-path BASE"),
        (("--upstream", "http://a:1", "--model-base-path", "."), "Pass one of"),
        (("--upstream", "http://a:1", "--label", "a:b=1"), "Leave them out: the server behind"),
        (("--upstream", "http://a:1", "--keep", "2"), "Leave them out: the server behind"),
        (("--upstream", "http://a:1", "--trust"), "Leave them out: the server behind"),
        (("--model-base-path", ".", "--model-name", "a"), "--model-name is for --upstream"),
        (("--upstream", "a:1"), "'a:1' is no address of a server"),
        (("--upstream", "http://a:1/v1/models/b"), "without the path of a model"),
        (("--upstream", "grpc://a"), "Pass grpc://HOST:PORT"),
        (("--model-base-path", "nowhere"), "There is no folder 'nowhere'"),
        (("--upstream", "http://a:1", "--log-level", "loud"), "--log-level was expected"),
        (("--upstream", "http://a:1", "--token-file", "none"), "The token cannot be read"),
        (("--model", "a=b", "--model-base-path", "."), "Pass one of"),
        (("--upstream", "http://a:1", "--sample", "0.5"), "--sample-to DIR belong together"),
        (("--upstream", "http://a:1", "--sample-inputs"), "--sample-to DIR belong together"),
        (
            ("--upstream", "http://a:1", "--sample", "1", "--sample-to", "/dev/null/x"),
            "Choose another --sample-to",
        ),
        (("--model", "a/b=c.keras"), "was expected to be NAME=FILE"),
        (("--model", "a="), "was expected to be NAME=FILE"),
        (("--model", "a=b", "--model", "a=c"), "--model has 'a' twice"),
        (("--model", "a=b", "--keep", "2"), "--model is exported once"),
        (("--model", "a=none.keras"), "none.keras"),
        (("--model-base-path", ".", "--method", "rise"), "are for --model"),
        (("--model-base-path", ".", "--option", "steps=10"), "are for --model"),
        (("--model", "a=cifar10_cnn", "--option", "stepz=10"), "stepz"),
        (("--model-base-path", ".", "--label", "a=1"), "NAME:LABEL=VERSION"),
        (("--upstream", "http://a:1", "--host", "203.0.113.7"), "Cannot listen at 203.0.113.7:"),
        (("--upstream", "http://a:1", "--port", "70000"), "70000"),
        (("--upstream", "http://a:1", "--timeout", "0"), "0"),
    ],
)
def test_mistakes_are_answered_in_a_sentence(words, sentence, fails):
    assert sentence in fails("serve", *words)


def test_a_file_is_served_with_its_card_one_command_after_training(tmp_path):
    model = tfxai.load("cifar10_cnn")
    words = ("--model", "frogs=cifar10_cnn", "--option", "steps=3")
    with command(*words, TMPDIR=str(tmp_path)) as started:
        about = httpx.get(f"{started.url}/v1/models/frogs/explainers", trust_env=False).json()
        own = [one["name"] for one in about["methods"] if one["by"] == "signature"]
        assert own == ["integrated_gradients", "grad_cam", "saliency"]
        assert about["methods"][0]["method"]["options"]["steps"] == 3
        assert about["takesImages"]
        assert about["classNames"] == list(model.card.classes)
        assert names(tmp_path) != []
        assert started.end(signal.SIGTERM) == 0
    assert names(tmp_path) == []


def quietly_saved(model, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of h5py with NumPy 2
        model.save(path)


def test_methods_that_a_model_has_none_of_are_left_out(tmp_path):
    x = keras.Input((3,), name="x")
    model = keras.Model(x, keras.layers.Dense(2, name="logits")(x))
    quietly_saved(model, tmp_path / "table.keras")
    with command("--model", str(tmp_path / "table.keras")) as started:
        about = httpx.get(f"{started.url}/v1/models/table/explainers", trust_env=False).json()
        own = [one["name"] for one in about["methods"] if one["by"] == "signature"]
        assert own == ["integrated_gradients", "saliency"]


def test_a_method_that_is_named_and_does_not_fit_is_refused(tmp_path, fails):
    x = keras.Input((3,), name="x")
    quietly_saved(keras.Model(x, keras.layers.Dense(2)(x)), tmp_path / "table.keras")
    said = fails("serve", "--model", str(tmp_path / "table.keras"), "--method", "grad_cam")
    assert "convolution" in said or "layer" in said


def test_a_port_that_is_taken_is_told_of(fails):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = fails("serve", "--upstream", "http://a:1", "--port", port)
    assert f"Cannot listen at 127.0.0.1:{port}" in said
    assert "Choose another --host or --port." in said


def test_it_answers_grpc_too_without_tensorflow():
    port, method = free_port(), protos.methods(protos.INFERENCE)["ServerLive"]
    behind = f"http://127.0.0.1:{free_port()}"
    with (
        command("--upstream", behind, "--grpc-port", str(port), waits=False) as started,
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        until(lambda: httpx.get(f"{started.url}/healthz", trust_env=False).status_code == 200)
        call = channel.unary_unary(method.path, response_deserializer=method.response.FromString)
        assert call(b"", timeout=PATIENCE, wait_for_ready=True).live
        assert "tensorflow" not in Path(f"/proc/{started.process.pid}/maps").read_text()
        assert started.end(signal.SIGTERM) == 0


def test_a_port_of_grpc_that_is_taken_is_told_of(fails):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = fails("serve", "--upstream", "http://a:1", "--port", "0", "--grpc-port", port)
    assert f"Cannot listen at 127.0.0.1:{port}" in said


def test_an_empty_token_is_refused(fails, place):
    (place / "token").write_text(" \n")
    assert "holds no token" in fails("serve", "--upstream", "http://a:1", "--token-file", "token")


def test_without_the_extra_it_says_what_to_install(monkeypatch, fails):
    for name in [name for name in sys.modules if name.startswith("tfxai.serving")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    said = fails("serve", "--upstream", "http://a:1")
    assert "pip install 'tfxai[serve]'" in said


def test_its_help_loads_nothing_heavy():
    code = "from tfxai.cli import main\ntry:\n    main()\nexcept SystemExit:\n    pass"
    assert loaded(code, "uvicorn", "starlette", "httpx", words=("serve", "--help")) == []
