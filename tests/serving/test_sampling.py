"""The sample of explanations that a server keeps."""

from __future__ import annotations

import json
import logging
import threading

import httpx
import numpy as np
import pytest

from tests.serving.grpc_clients import Client, front
from tests.serving.servers import PATIENCE, b64, photograph, serving, until
from tests.serving.slow import SIGNATURES, Slow
from tfxai.errors import OutputError
from tfxai.serving import sampling
from tfxai.serving.explaining.answer import Explanation
from tfxai.serving.explaining.signature_calls import SignatureCalls
from tfxai.serving.limits import ServerLimits
from tfxai.serving.messages import protos
from tfxai.serving.models.grpc_upstream import GrpcUpstream
from tfxai.serving.models.model import Deadline, Which
from tfxai.serving.models.upstream import Upstream
from tfxai.serving.models.versions import VersionFolder
from tfxai.serving.sampling import Sample, summary


class Named:
    """As much of a model as the sample looks at."""

    which, version, record = Which("m"), 3, None


def explanation(count=1):
    values = np.arange(count * 4, dtype=np.float32).reshape(count, 2, 2)
    return Explanation(
        name="ig",
        values={"x": values},
        target=np.zeros(count, np.int32),
        score=np.ones(count),
        baseline_score=np.zeros(count),
        completeness_gap=np.full(count, 0.25),
        heatmaps=None,
        pngs=None,
        predictions=None,
        about={"method": {"name": "ig"}, "score": "logit"},
    )


def lines(folder):
    paths = sorted(folder.glob("*.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def test_a_summary_by_hand():
    values = np.zeros((10, 20), np.float32)
    values[0, 0], values[0, 1], values[1, 0] = 6, 3, -1
    told = summary(values)
    assert told["shape"] == [10, 20]
    assert told["sum"] == 8
    assert told["meanAbs"] == 10 / 200
    assert told["positive"] == 2 / 200
    assert told["top"] == 9 / 10  # two of two hundred
    assert told["quantiles"][::8] == [-1, 6]
    np.testing.assert_allclose(told["std"], values.std(), rtol=1e-6)
    assert summary(np.zeros(3))["top"] is None
    assert summary(np.zeros((0, 2))) == {"shape": [0, 2]}


def test_a_share_of_the_examples_is_kept(tmp_path):
    sample = Sample(0.25, tmp_path)
    for _ in range(40):
        sample.take(explanation(50), Named, [None] * 50, sample.choose(50))
    assert 350 < len(lines(tmp_path)) < 650  # 500, and 8 standard deviations of 19
    (_, one, *_) = lines(tmp_path)
    assert (one["model"], one["version"], one["explainer"]) == ("m", 3, "ig")
    assert (one["score"], one["completenessGap"], one["gapShare"]) == (1, 0.25, 0.25)
    assert "input" not in one


def test_the_files_are_bounded_and_the_newest_stay(tmp_path):
    sample = Sample(1, tmp_path, size=2000, files=3)
    for n in range(60):
        made = explanation()
        made.score[:] = n
        sample.take(made, Named, [None], [0])
    paths = sorted(tmp_path.glob("*.jsonl"))
    assert len(paths) == 3
    assert all(path.stat().st_size <= 2000 for path in paths)
    scores = [one["score"] for one in lines(tmp_path)]
    assert scores == list(range(60 - len(scores), 60))
    again = Sample(1, tmp_path, size=2000, files=3)  # a server that starts anew goes on
    again.take(explanation(), Named, [None], [0])
    assert len(sorted(tmp_path.glob("*.jsonl"))) == 3
    assert lines(tmp_path)[-1]["score"] == 1


def test_inputs_are_kept_if_asked_for_and_not_too_large(tmp_path):
    sample = Sample(1, tmp_path, inputs=True, size=5000)
    sample.take(explanation(2), Named, [[1, 2], ["a" * 6000]], [0, 1])
    small, large = lines(tmp_path)
    assert small["input"] == [1, 2]
    assert "input" not in large
    assert large["inputIsTooLarge"] is True


def test_a_disk_that_fails_fails_no_answer(tmp_path, caplog):
    folder = tmp_path / "sample"
    sample = Sample(1, folder)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    caplog.set_level(logging.WARNING, "tfxai.serving")
    logging.getLogger("tfxai.serving").propagate = True
    for _ in range(3):
        sample.take(explanation(), Named, [None], [0])
    assert [one.getMessage()[:33] for one in caplog.records] == [
        "The sample cannot be written: [Er"
    ]
    folder.mkdir()
    sample.take(explanation(), Named, [None], [0])
    assert len(lines(folder)) == 1


def test_a_folder_that_cannot_be_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Choose another --sample-to"):
        Sample(0.5, tmp_path / "file")


def test_a_server_keeps_what_it_answers_and_counts_it(base, tmp_path):
    models = VersionFolder(base)
    body = {
        "instances": [b64(photograph())] * 2,
        "method": "integrated_gradients",
        "target": ["Cat", "Frog"],
        "outputs": ["attributions", "predictions"],
    }
    with serving(models, sample=Sample(1, tmp_path)) as url:
        until(lambda: "cifar10_cnn" in models.names())
        asked = f"{url}/v1/models/cifar10_cnn:explain"
        answer = httpx.post(asked, json=body, timeout=PATIENCE, trust_env=False).json()
        numbers = httpx.get(f"{url}/metrics", trust_env=False).text
    for one, told in zip(lines(tmp_path), answer["explanations"], strict=True):
        (expected,) = told["attributions"]
        values = np.array(expected["featureAttributions"]["Input_Layer"])
        assert one["target"] == expected["outputIndex"][0]
        assert one["targetName"] == expected["outputDisplayName"] in ("Cat", "Frog")
        assert one["score"] == expected["instanceOutputValue"]
        np.testing.assert_allclose(one["values"]["Input_Layer"]["sum"], values.sum(), rtol=1e-4)
        assert one["gapShare"] == pytest.approx(expected["approximationError"], rel=1e-4)
        (outputs,) = one["predictions"].values()
        np.testing.assert_allclose(outputs, answer["predictions"][0], rtol=1e-5)
    labels = '{explainer="integrated_gradients",model="cifar10_cnn"} 2.0'
    assert f"tfxai_sampled_instances_total{labels}" in numbers
    assert f"tfxai_sampled_gap_share_count{labels}" in numbers
    assert f"tfxai_sampled_top_share_count{labels}" in numbers


X = np.float32([[1, 2], [3, 5]])
ROWS = {"instances": [{"x": row.tolist(), "target": 1} for row in X]}
INPUTS = [
    {"name": "x", "datatype": "FP32", "shape": [2, 2], "data": X.ravel().tolist()},
    {"name": "target", "datatype": "INT32", "shape": [2], "data": [1, 1]},
]
TENSORS = [
    {"name": "x", "datatype": "FP32", "shape": [2, 2], "contents": {"fp32_contents": X.ravel()}},
    {"name": "target", "datatype": "INT32", "shape": [2], "contents": {"int_contents": [1, 1]}},
]
SIGNATURE = {"signature_name": "explain_slow"}


def by_explain(url, client):
    body = {"instances": X.tolist(), "target": 1, "method": "slow"}
    return httpx.post(f"{url}/v1/models/slow:explain", json=body, trust_env=False)


def by_explain_as_a_picture_alone(url, client):
    body = {"instances": X.tolist(), "target": 1, "method": "slow", "outputs": ["heatmap"]}
    return httpx.post(f"{url}/v1/models/slow:explain", json=body, trust_env=False)


def by_predict(url, client):
    return httpx.post(f"{url}/v1/models/slow:predict", json={**ROWS, **SIGNATURE}, trust_env=False)


def by_predict_in_columns(url, client):
    body = {"inputs": {"x": X.tolist(), "target": [1, 1]}, **SIGNATURE}
    return httpx.post(f"{url}/v1/models/slow:predict", json=body, trust_env=False)


def by_open_inference(url, client):
    body = {"inputs": INPUTS, "parameters": SIGNATURE, "outputs": [{"name": "score"}]}
    return httpx.post(f"{url}/v2/models/slow/infer", json=body, trust_env=False)


def by_grpc_predict(url, client):
    client.predict("slow", {"x": X, "target": np.int32([1, 1])}, "explain_slow", outputs=["score"])


def by_grpc_inference(url, client):
    parameters = {"signature_name": {"string_param": "explain_slow"}}
    client.ask(
        protos.INFERENCE, "ModelInfer", model_name="slow", inputs=TENSORS, parameters=parameters
    )


ROADS = [
    by_explain,
    by_explain_as_a_picture_alone,
    by_predict,
    by_predict_in_columns,
    by_open_inference,
    by_grpc_predict,
    by_grpc_inference,
]


@pytest.fixture(params=["server", "sidecar", "sidecar over gRPC"])
def place(request):
    """Models in the server, or in one behind it."""
    models = Slow()
    models.go.set()
    models.explained.set()
    if request.param == "server":
        yield models
        return
    with front(models) as (address, url):
        if request.param == "sidecar":
            yield Upstream(url, ["slow"])
        else:
            yield GrpcUpstream(f"grpc://{address}", ["slow"])


@pytest.mark.parametrize("ask", ROADS)
def test_each_road_to_an_explanation_is_sampled(tmp_path, place, ask):
    with front(place, sample=Sample(1, tmp_path, inputs=True)) as (address, url):
        client = Client(address)
        answer = ask(url, client)
        assert answer is None or answer.status_code == 200, answer.text
        client.predict("slow", {"x": X}, "serving_default")  # explains nothing
        plain = {"instances": X.tolist()}
        httpx.post(f"{url}/v1/models/slow:predict", json=plain, trust_env=False)
        numbers = httpx.get(f"{url}/metrics", trust_env=False).text
        client.channel.close()
    kept = lines(tmp_path)
    assert [one["score"] for one in kept] == [3, 8]
    assert [one["target"] for one in kept] == [1, 1]
    assert [one["values"]["x"]["sum"] for one in kept] == [3, 8]
    assert [one["version"] for one in kept] == [1, 1]
    rows = X.tolist() if ask in ROADS[:2] else [{"x": x, "target": 1} for x in X.tolist()]
    assert [one["input"] for one in kept] == rows
    assert 'tfxai_sampled_instances_total{explainer="slow",model="slow"} 2.0' in numbers


def test_an_answer_is_what_was_asked_for_whether_it_is_sampled_or_not(tmp_path):
    models = Slow()
    models.go.set()
    models.explained.set()
    answers = []
    for sample in (None, Sample(1, tmp_path)):
        with front(models, sample=sample) as (address, url):
            client = Client(address)
            given = client.predict(
                "slow", {"x": X, "target": [1, 1]}, "explain_slow", outputs=["score"]
            )
            picture = by_explain_as_a_picture_alone(url, client).json()
            answers.append(([*given[1]], picture, by_open_inference(url, client).json()))
            client.channel.close()
    assert answers[0] == answers[1]
    assert answers[0][0] == ["score"]
    assert len(lines(tmp_path)) == 6


def test_a_disk_that_hangs_keeps_one_answer_and_no_other(tmp_path, monkeypatch):
    monkeypatch.setattr(sampling, "_PATIENCE", 0.05)
    sample, begun, goes_on = Sample(1, tmp_path), threading.Event(), threading.Event()
    write = sample._write

    def hang(text):
        begun.set()
        goes_on.wait(PATIENCE)
        write(text)

    monkeypatch.setattr(sample, "_write", hang)
    one = threading.Thread(target=lambda: sample.take(explanation(), Named, [None], [0]))
    one.start()
    begun.wait(PATIENCE)
    sample.take(explanation(), Named, [None], [0])
    assert one.is_alive()
    goes_on.set()
    one.join(PATIENCE)
    assert len(lines(tmp_path)) == 1


@pytest.mark.parametrize(
    "given",
    [
        {"attributions": X},
        {"score": X[:, 0], "target": np.int32([1, 1])},
        {"attributions": X[:1], "score": X[:, 0], "target": np.int32([1, 1])},
        {"attributions": X, "score": np.float32(3), "target": np.int32([1, 1])},
        {
            "attributions": X,
            "score": X[:, 0],
            "target": np.int32([1, 1]),
            "tokens": np.full((2, 3), b"a", object),
            "token_values": X,
        },
    ],
    ids=["values alone", "no values", "values of one", "one score", "more words than values"],
)
def test_half_an_explanation_is_answered_and_no_sample(tmp_path, given):
    class Half(Named):
        signatures, record = SIGNATURES, None

        def run(self, *_):
            return given

    calls = SignatureCalls(ServerLimits(), Sample(1, tmp_path))
    feeds = {"x": X, "target": np.int32([1, 1])}
    assert calls(Half(), "explain_slow", feeds, None, Deadline(PATIENCE)) is given
    assert lines(tmp_path) == []
