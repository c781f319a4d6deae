"""`:explain`: the values of the call in this process, from numbers and from photographs."""

from __future__ import annotations

import base64
import json

import httpx
import numpy as np
import pytest

import tfxai
from tests.serving.conftest import METHODS
from tests.serving.servers import b64, photograph, pixels
from tfxai.data.images import decode_image
from tfxai.serving.explaining import fanout

PATH = "/v1/models/cifar10_cnn:explain"


@pytest.fixture(scope="module")
def subject():
    return tfxai.load("cifar10_cnn")


@pytest.fixture(scope="module")
def prepared(subject):
    """The photograph as the model takes it, (1, 32, 32, 3)."""
    return subject.prepare(tfxai.data.fit_image(decode_image(photograph()), 32, 32)[None])


@pytest.fixture(params=["server", "sidecar"])
def client(request) -> httpx.Client:
    """A server of the models, and a sidecar in front of it."""
    return request.getfixturevalue(request.param)


def explained(client, **body):
    """The attributions of each example, and the whole answer."""
    answer = client.post(PATH, json=body)
    assert answer.status_code == 200, answer.text
    content = answer.json()
    return [one["attributions"][0] for one in content["explanations"]], content


def close(given, expected):
    """Equal within 1e-5 of the largest value."""
    expected = np.asarray(expected)
    np.testing.assert_allclose(given, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("name", METHODS)
def test_a_photograph_gets_the_values_of_the_call_in_this_process(client, subject, prepared, name):
    (one,), content = explained(
        client,
        instances=[b64(photograph())],
        method=name,
        outputs=["attributions", "heatmap", "heatmap_png", "predictions"],
    )
    a = METHODS[name](subject, prepared)
    close(one["featureAttributions"]["Input_Layer"], a.values[0])
    close(one["instanceOutputValue"], a.score[0])
    assert one["outputIndex"] == [int(a.target[0])]
    assert one["outputDisplayName"] == a.target_names[0] == "Cat"
    assert one["outputName"] == "output_0"
    assert ("baselineOutputValue" in one) == (a.baseline_score is not None)
    if a.completeness_gap is not None:
        close(one["baselineOutputValue"], a.baseline_score[0])
        difference = a.score[0] - a.baseline_score[0]
        assert abs(one["completenessGap"] - a.completeness_gap[0]) < 1e-5 * abs(difference)
        error = abs(one["completenessGap"] / difference)
        assert one["approximationError"] == pytest.approx(error, rel=1e-4)
    close(content["predictions"], subject.model(prepared))
    close(one["heatmap"], a.heatmap(size=(32, 32))[0])
    picture = pixels(base64.b64decode(one["heatmapPng"]["b64"]))
    assert picture.shape == (32, 32, 3)
    assert (content["model"], content["modelVersion"]) == ("cifar10_cnn", "1")
    assert content["method"]["name"] == name
    assert content["score"] == "logit"


@pytest.mark.parametrize(
    ("name", "options", "method"),
    [
        ("occlusion", {"window": 8, "stride": 4}, tfxai.Occlusion(window=8, stride=4)),
        ("rise", {"samples": 60, "seed": 3}, tfxai.RISE(samples=60, seed=3)),
        ("kernel_shap", {"samples": 128}, tfxai.KernelSHAP(samples=128)),
        ("shapley_sampling", {"samples": 4}, tfxai.ShapleySampling(samples=4)),
        ("lime", {"samples": 80}, tfxai.LIME(samples=80)),
        ("feature_ablation", {"mask": "slic"}, tfxai.FeatureAblation(mask="slic")),
        ("sobol", {"samples": 2, "cells": 4}, tfxai.Sobol(samples=2, cells=4)),
        ("hsic", {"samples": 60}, tfxai.HSIC(samples=60)),
    ],
)
def test_without_a_signature_predictions_are_asked_for(
    client, subject, prepared, name, options, method
):
    (one,), content = explained(
        client,
        instances=[b64(photograph())],
        method=name,
        options=options,
        outputs=["attributions", "heatmap", "heatmap_png"],
    )
    a = method(subject, prepared, score="output")
    close(one["featureAttributions"]["Input_Layer"], a.values[0])
    close(one["instanceOutputValue"], a.score[0])
    close(one["baselineOutputValue"], a.baseline_score[0])
    np.testing.assert_allclose(one["heatmap"], a.heatmap(size=(32, 32))[0], atol=1e-4)
    assert len(base64.b64decode(one["heatmapPng"]["b64"])) > 100
    assert content["method"]["options"] == {**content["method"]["options"], **options}


def test_numbers_and_several_examples_and_targets(client, subject, prepared):
    x = np.concatenate([prepared, prepared[:, ::-1]])
    some, _ = explained(client, instances=x.tolist(), method="saliency", target=[None, "frog"])
    a = tfxai.Saliency()(subject, x, target=[int(np.argmax(subject.model(x)[0])), 6])
    for i, one in enumerate(some):
        close(one["featureAttributions"]["Input_Layer"], a.values[i])
        assert one["outputIndex"] == [a.target[i]]
    named, _ = explained(
        client, instances=[{"Input_Layer": x[0].tolist()}], method="saliency", target=3
    )
    close(named[0]["featureAttributions"]["Input_Layer"], a.values[0])


def test_parameters_may_stand_apart_from_the_data(server):
    """As KServe's and Vertex AI's clients send them."""
    body = {"instances": [b64(photograph())], "parameters": {"method": "grad_cam", "target": 3}}
    (one,), content = explained(server, **body)
    assert content["explainer"] == "grad_cam"
    assert one["outputIndex"] == [3]


def test_the_first_signature_is_the_method_of_those_who_name_none(client):
    _, content = explained(client, instances=[b64(photograph())])
    assert content["explainer"] == "integrated_gradients"


def test_only_what_is_asked_for_is_sent(client):
    (one,), content = explained(
        client, instances=[b64(photograph())], method="grad_cam", outputs=["heatmap_png"]
    )
    assert not {"featureAttributions", "heatmap"} & set(one)
    assert "predictions" not in content


def test_a_picture_is_sent_to_those_who_accept_one(client):
    headers = {"accept": "image/png"}
    body = {"instances": [b64(photograph())], "method": "grad_cam"}
    answer = client.post(PATH, json=body, headers=headers)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-explained-output"] == "3"
    (one,), _ = explained(client, **body, outputs=["heatmap_png"])
    assert answer.content == base64.b64decode(one["heatmapPng"]["b64"])
    for accept in ("*/*", "application/json, image/png;q=0.5", "image/png;q=0", "text/html"):
        assert client.post(PATH, json=body, headers={"accept": accept}).json()["explanations"]
    body["instances"] *= 2
    answer = client.post(PATH, json=body, headers=headers)
    assert answer.status_code == 400
    assert "a PNG is one" in answer.json()["error"]


def test_a_model_of_several_inputs(client):
    path = "/v1/models/pair:explain"
    instance = {"left": [1.0, 2.0], "right": [3.0, 4.0]}
    answer = client.post(path, json={"instances": [instance], "target": 1})
    one = answer.json()["explanations"][0]["attributions"][0]
    assert set(one["featureAttributions"]) == {"left", "right"}
    total = sum(sum(part) for part in one["featureAttributions"].values())
    difference = one["instanceOutputValue"] - one["baselineOutputValue"]
    assert total == pytest.approx(difference, abs=1e-4)
    answer = client.post(path, json={"instances": [instance]}, headers={"accept": "image/png"})
    assert answer.status_code == 406
    answer = client.post(path, json={"instances": [instance], "method": "occlusion"})
    assert answer.status_code == 400
    assert "a model of one input" in answer.json()["error"]


def test_texts_are_explained_word_by_word(client):
    path = "/v1/models/text:explain"
    body = {
        "instances": ["a good film", "bad bad"],
        "target": 1,
        "outputs": ["attributions", "heatmap"],
    }
    content = client.post(path, json=body).json()
    some = [one["attributions"][0] for one in content["explanations"]]
    for one, words in zip(some, (3, 2), strict=True):
        values = np.array(one["featureAttributions"]["text"])
        assert values.shape == (4, 3)
        assert (np.abs(values).sum(axis=1) > 0).tolist() == [True] * words + [False] * (4 - words)
        difference = one["instanceOutputValue"] - one["baselineOutputValue"]
        assert values.sum() == pytest.approx(difference, abs=1e-5)
        assert np.shape(one["heatmap"]) == (4,)
    assert content["at"] == "embedding"
    body["instances"] = [["a good film"], {"text": [b64(b"bad bad")]}]
    again = client.post(path, json=body).json()
    assert again["explanations"] == content["explanations"]


def test_words_of_texts_come_with_their_values(client):
    path = "/v1/models/text:explain"
    body = {"instances": ["A good film!", "bad unheard"], "target": 1}
    asked = {**body, "outputs": ["tokens", "attributions", "predictions"]}
    content = client.post(path, json=asked).json()
    some = [one["attributions"][0] for one in content["explanations"]]
    assert [one["tokens"] for one in some] == [["a", "good", "film"], ["bad", "[UNK]"]]
    for one, count in zip(some, (3, 2), strict=True):
        values = np.array(one["featureAttributions"]["text"]).sum(axis=1)
        np.testing.assert_allclose(one["tokenValues"], values[:count], atol=1e-6)
        assert "paddingValue" not in one  # the baseline has padding there as well
    assert len(content["predictions"][0]) == 2
    plain = client.post(path, json=body).json()["explanations"]
    for one, told in zip(some, plain, strict=True):
        (short,) = told["attributions"]
        assert {key: short[key] for key in ("tokens", "tokenValues")} == {
            key: one[key] for key in ("tokens", "tokenValues")
        }
        assert "featureAttributions" not in short
    raw = client.post(path, json={**body, "outputs": ["attributions"]}).json()["explanations"][0]
    assert not {"tokens", "tokenValues"} & set(raw["attributions"][0])


def test_maps_over_words_come_with_the_words(client):
    body = {"instances": ["A good film!"], "method": "grad_cam", "target": 1}
    path = "/v1/models/text:explain"
    asked = {**body, "outputs": ["tokens", "attributions"]}
    (one,) = client.post(path, json=asked).json()["explanations"][0]["attributions"]
    values = np.array(one["featureAttributions"]["text"])
    assert values.shape == (4,)
    assert one["tokens"] == ["a", "good", "film"]
    np.testing.assert_allclose(one["tokenValues"], values[:3], atol=1e-6)
    assert one.get("paddingValue", 0) == pytest.approx(values[3], abs=1e-6)


def test_words_of_a_model_of_images_are_refused(client):
    for method in ("integrated_gradients", "occlusion"):
        body = {"instances": [b64(photograph())], "method": method, "outputs": ["tokens"]}
        answer = client.post(PATH, json=body)
        assert answer.status_code == 400
        assert answer.json()["error"] == (
            f"{method} gives no values of words for this model, and 'outputs' asks for 'tokens'. "
            "Ask for 'attributions'."
        )


def test_a_page_is_told_whether_a_model_takes_texts(client):
    names = ("text", "cifar10_cnn", "pair")
    told = [client.get(f"/v1/models/{name}/explainers").json() for name in names]
    assert [one["takesTexts"] for one in told] == [True, False, False]
    assert [one["takesImages"] for one in told] == [False, True, False]


def test_what_a_model_can_be_asked_for(client):
    about = client.get("/v1/models/cifar10_cnn/explainers").json()
    told = [(one["name"], one["by"]) for one in about["methods"]]
    by_predictions = [name for name in fanout.KINDS if name not in METHODS]
    assert "rise" in by_predictions
    assert told == [(name, "signature") for name in METHODS] + [
        (name, "predictions") for name in by_predictions
    ]
    assert about["classNames"][3] == "Cat"
    assert about["takesImages"]
    assert about["preprocessing"] == {"name": "unit"}
    assert about["inputRange"] == [0.0, 1.0]
    assert client.get("/v1/models/pair/explainers").json()["methods"][0]["name"] == (
        "integrated_gradients"
    )


@pytest.mark.parametrize(("targets", "shown"), [([10], "10"), ([3, -2], "3 -2")])
def test_a_signature_refuses_a_target_in_a_plain_sentence(client, targets, shown):
    image = np.zeros((len(targets), 32, 32, 3)).tolist()
    body = {
        "signature_name": "explain_integrated_gradients",
        "inputs": {"Input_Layer": image, "target": targets},
    }
    answer = client.post("/v1/models/cifar10_cnn:predict", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"] == (
        f"target was expected to be 0 to 9, or -1 for the predicted class. It is {shown}."
    )


IMAGE = b64(photograph())


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "was expected to be a JSON object"),
        ({}, "'instances' was expected to be a list"),
        ({"instances": [IMAGE], "metod": "rise"}, "Did you mean 'method'?"),
        ({"instances": [IMAGE], "method": "grad_kam"}, "There is no method 'grad_kam'"),
        ({"instances": [IMAGE], "method": 3}, "the name of a method"),
        ({"instances": [IMAGE], "target": 10}, "target was expected to be 0 to 9"),
        ({"instances": [IMAGE], "target": -2}, "'target' was expected to be the number or name"),
        ({"instances": [IMAGE], "target": 1.5}, "'target' was expected to be the number or name"),
        ({"instances": [IMAGE], "target": "frogg"}, "Did you mean 'Frog'?"),
        ({"instances": [IMAGE], "target": [1, 2]}, "has 2 entries, and there are 1 instances"),
        ({"instances": [IMAGE], "outputs": ["heat"]}, "Did you mean 'heatmap'?"),
        ({"instances": [IMAGE], "outputs": "heatmap"}, "list of some of"),
        ({"instances": [IMAGE], "options": []}, "'options' was expected to be an object"),
        ({"instances": [IMAGE], "options": {"steps": 9}}, "was exported with steps=8"),
        ({"instances": [IMAGE], "options": {"stepz": 9}}, "Did you mean 'steps'?"),
        ({"instances": [IMAGE], "parameters": 5}, "'parameters' was expected to be an object"),
        (
            {"instances": [IMAGE], "method": "occlusion", "options": {"window": 99}},
            "window=(99, 99) is larger than the input",
        ),
        (
            {"instances": [IMAGE], "method": "occlusion", "options": {"windov": 9}},
            "Did you mean 'window'?",
        ),
        ({"instances": [IMAGE], "method": "occlusion", "target": 10}, "0 to 9"),
        ({"instances": [{"b64": "AAAA"}]}, "is not an image that can be read"),
        ({"instances": [{"b64": "?"}]}, "is no base64"),
        ({"instances": [IMAGE, [1]]}, "mixes images and numbers"),
        ({"instances": [[1, 2]]}, "has the shape [1, 2], and (any, 32, 32, 3) is expected"),
        (
            {"instances": [np.full((32, 32, 3), 255).tolist()]},
            "from 255 to 255, and preprocessed pixels from 0 to 1. Send numbers as the model",
        ),
        ({"instances": [{"image": "AAAA"}]}, "is an object with 'image'. Send numbers, an image"),
        ({"instances": [{**IMAGE, "target": 3}]}, "'target' stands beside 'instances'"),
        ({"inputs": [IMAGE]}, "Send 'instances'"),
        ({"instances": [IMAGE], "method": "lrp"}, "has to be exported with the model"),
        ({"instances": [{"b64": "data:image/png;base64,AAAA"}]}, "without 'data:...'"),
        ({"instances": ["cat.jpg"]}, 'Send numbers, or an image as {"b64": "..."}'),
        ({"instances": [IMAGE], "target": 10}, "0 to 9, or -1 for the predicted class. It is 10."),
        ({"instances": [[[["a"]]]]}, "was expected to hold numbers only"),
        ({"instances": [np.full((32, 32, 3), np.nan).tolist()]}, "holds NaN or infinite numbers"),
    ],
)
def test_bad_questions_are_answered_in_a_sentence(client, body, said):
    answer = client.post(PATH, content=json.dumps(body))
    assert answer.status_code == 400, answer.text
    assert list(answer.json()) == ["error"]
    assert said in answer.json()["error"]


def test_a_model_that_is_not_there_is_answered_with_those_that_are(server):
    for path in (":explain", "/explainers"):
        url = f"/v1/models/cifar{path}"
        answer = server.post(url, json={"instances": [1]}) if ":" in path else server.get(url)
        assert answer.status_code == 404
        there = "There is cifar10_cnn, documented, pair, text."
        assert answer.json()["error"].endswith(f"Latest(cifar). {there}")


def test_an_image_for_predict_is_refused_with_the_reason(server):
    answer = server.post("/v1/models/cifar10_cnn:predict", json={"instances": [IMAGE]})
    assert answer.status_code == 400
    assert "An image in base64 is read by :explain alone" in answer.json()["error"]


def test_a_question_is_a_post(client):
    answer = client.get(PATH)
    assert answer.status_code == 405
    assert "as a POST" in answer.json()["error"]
