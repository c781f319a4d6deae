"""A folder of versions: watched, swapped without a failed request, and never half read."""

from __future__ import annotations

import concurrent.futures
import contextlib
import gc
import shutil
import threading
import time
import weakref
from typing import ClassVar

import httpx
import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.serving.conftest import documented
from tests.serving.servers import serving, until
from tfxai.errors import DataNotFoundError
from tfxai.export import save
from tfxai.serving.messages.problems import RequestError
from tfxai.serving.models.garbage import settle, settled
from tfxai.serving.models.loaded import Loaded
from tfxai.serving.models.model import Deadline, Which
from tfxai.serving.models.upstream import Upstream
from tfxai.serving.models.versions import VersionFolder

POLL = 0.05


class Plus(tf.Module):
    """y = x + its number."""

    def __init__(self, number):
        self.number = tf.Variable(float(number))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    def __call__(self, x):
        return {"y": x + self.number}


class Times(tf.Module):
    """y = its number times the sum of x."""

    def __init__(self, number):
        self.number = tf.Variable(float(number))

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, "x")])
    def __call__(self, x):
        return {"y": self.number * tf.reduce_sum(x, axis=1, keepdims=True)}


def version(folder, number, kind=Plus):
    """Writes version NUMBER, which adds its number, as an export does: beside, then renamed."""
    beside = folder / f".writing-{number}"
    module = kind(number)
    tf.saved_model.save(module, str(beside), signatures={"serving_default": module.__call__})
    return beside.rename(folder / str(number))


@contextlib.contextmanager
def watched(base, **options):
    """The models of a folder, after the first look."""
    models = VersionFolder(base, poll_seconds=POLL, **options)
    models.start()
    try:
        until(models._looked.is_set)
        yield models
    finally:
        models.close()


def answer(models, name="plus", **which):
    """What a version adds to nothing."""
    deadline = Deadline(60)
    with models.model(Which(name, **which), deadline) as model:
        given = model.run("serving_default", {"x": np.zeros(1, np.float32)}, None, deadline)
        return int(given["y"][0])


def states(models, name="plus"):
    """Number and state of each version."""
    return {one.version: one.state for one in models.states(Which(name), Deadline(60))}


def test_the_greatest_version_is_served(tmp_path):
    (tmp_path / "plus").mkdir()
    for number in (1, 2, 10):
        version(tmp_path / "plus", number)
    with watched(tmp_path) as models:
        assert answer(models) == 10
        assert states(models) == {10: "AVAILABLE"}
        with pytest.raises(RequestError, match=r"Specific\(plus, 2\)"):
            answer(models, version=2)


def test_a_folder_of_versions_is_one_model(tmp_path):
    folder = tmp_path / "plus"
    folder.mkdir()
    version(folder, 3)
    with watched(folder) as models:
        assert models.names() == ["plus"]
        assert answer(models) == 3


def test_several_versions_and_labels(tmp_path):
    folder = tmp_path / "plus"
    folder.mkdir()
    for number in (1, 2, 3, 4):
        version(folder, number)
    with watched(tmp_path, keep=2, labels={"plus": {"stable": 1}}) as models:
        assert sorted(states(models)) == [1, 3, 4]
        assert answer(models, version=3) == 3
        assert answer(models, label="stable") == 1
        assert answer(models) == 4
        (stable,) = models.states(Which("plus", label="stable"), Deadline(9))
        assert stable.version == 1
        with pytest.raises(RequestError, match="Unrecognized servable version label: canary"):
            answer(models, label="canary")


def test_a_new_version_takes_over_and_the_old_one_ends(tmp_path):
    folder = tmp_path / "plus"
    folder.mkdir()
    version(folder, 1)
    with watched(tmp_path) as models:
        with models.model(Which("plus"), Deadline(60)) as held:
            version(folder, 2)
            until(lambda: answer(models) == 2)
            until(lambda: states(models).get(1) == "UNLOADING")
            given = held.run("serving_default", {"x": np.zeros(1, "f")}, None, Deadline(9))
            assert given["y"] == [1.0]  # it goes on for those who began with it
        until(lambda: states(models).get(1) == "END")
        shutil.rmtree(folder / "1")
        until(lambda: states(models) == {2: "AVAILABLE"})


class Closing:
    """Graphs that are told to close."""

    signatures: ClassVar[dict] = {}
    record = None

    def __init__(self, close):
        self.close = close


def test_a_version_that_ends_takes_no_new_requests_so_that_it_ends(tmp_path):
    folder = tmp_path / "plus"
    folder.mkdir()
    version(folder, 1)
    with watched(tmp_path) as models:
        with models.model(Which("plus", 1), Deadline(60)):
            version(folder, 2)
            until(lambda: states(models).get(1) == "UNLOADING")
            with pytest.raises(RequestError, match=r"Specific\(plus, 1\)"):
                answer(models, version=1)
            assert answer(models) == 2
        until(lambda: states(models).get(1) == "END")


def test_while_a_version_is_closed_others_are_asked_and_a_failure_fails_no_request(tmp_path):
    """Giving gigabytes back takes a while."""
    folder = tmp_path / "plus"
    folder.mkdir()
    begun, goes_on, loaded = threading.Event(), threading.Event(), []

    def close():
        begun.set()
        goes_on.wait(60)
        raise OSError("the memory is not given back")

    def load(path):
        loaded.append(path.name)
        return Closing(close if path.name == "1" else lambda: None)

    version(folder, 1)
    with watched(tmp_path, load=load) as models:

        def use():
            with models.model(Which("plus", 1), Deadline(60)):
                version(folder, 2)
                until(lambda: states(models).get(1) == "UNLOADING")
            return True

        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            used = pool.submit(use)
            try:
                until(begun.is_set)
                with models.model(Which("plus"), Deadline(60)) as model:
                    assert model.version == 2
                assert models.names() == ["plus"]
            finally:
                goes_on.set()
            assert used.result()
        assert states(models)[1] == "END"


def test_what_is_loaded_is_passed_over_by_the_search_for_garbage(tmp_path):
    folder = tmp_path / "plus"
    folder.mkdir()
    version(folder, 1)
    changes = []

    def changed():
        settle()
        changes.append(gc.get_freeze_count())

    with settled(), watched(tmp_path, changed=changed) as models:
        assert len(changes) == 1
        assert changes[0] > 10_000
        with models.model(Which("plus"), Deadline(60)) as held:
            version(folder, 2)
            until(lambda: len(changes) == 2)
            until(lambda: states(models).get(1) == "UNLOADING")
            old = weakref.ref(held._loaded)
            del held
        until(lambda: len(changes) == 3)
        assert old() is None
        assert states(models) == {1: "END", 2: "AVAILABLE"}
    assert gc.get_freeze_count() == 0


def test_numbers_tell_which_versions_answer_and_which_failed(tmp_path):
    folder = tmp_path / "plus"
    folder.mkdir()
    version(folder, 1)
    models = VersionFolder(tmp_path, poll_seconds=POLL)
    with serving(models) as url:
        until(lambda: models.names() == ["plus"])
        version(folder, 2)
        (folder / "2" / "saved_model.pb").write_bytes(b"broken")
        until(lambda: states(models, "plus").get(2) == "END")
        numbers = httpx.get(f"{url}/metrics", trust_env=False).text.splitlines()
    assert 'tfxai_model_version{model="plus"} 1.0' in numbers
    assert 'tfxai_model_versions{model="plus",state="AVAILABLE"} 1.0' in numbers
    assert 'tfxai_model_versions{model="plus",state="END"} 1.0' in numbers
    assert any(one.startswith('tfxai_loads_failed_total{model="plus"} ') for one in numbers)


def test_no_request_fails_while_versions_come_and_go(tmp_path):
    folder = tmp_path / "plus"
    folder.mkdir()
    version(folder, 1)
    models = VersionFolder(tmp_path, poll_seconds=POLL)
    failed, seen, ended = [], set(), threading.Event()

    def client(url):
        with httpx.Client(trust_env=False) as session:
            while not ended.is_set():
                got = session.post(f"{url}/v1/models/plus:predict", json={"instances": [0]})
                if got.status_code != 200:
                    failed.append(got.text)
                else:
                    seen.add(got.json()["predictions"][0])

    with serving(models) as url:
        until(lambda: models.waits_for() is None)
        threads = [threading.Thread(target=client, args=(url,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for number in range(2, 7):
            version(folder, number)
            until(lambda n=number: float(n) in seen)
            shutil.rmtree(folder / str(number - 1))
        ended.set()
        for thread in threads:
            thread.join()
    assert failed == []
    assert seen == {1.0, 2.0, 3.0, 4.0, 5.0, 6.0}


def test_an_explanation_through_a_sidecar_rests_on_one_version(tmp_path):
    """The version that the sidecar knows of has ended: it asks for the next one, and only that."""
    folder = tmp_path / "times"
    folder.mkdir()
    version(folder, 1, Times)
    models, asked = VersionFolder(tmp_path, poll_seconds=POLL), []

    class Recorded(Upstream):
        def predict(self, which, *rest):
            asked.append(which.version)
            return super().predict(which, *rest)

    def explained():
        body = {"instances": [[1.0, 2.0, 3.0]], "method": "shapley_sampling"}
        answer = httpx.post(f"{sidecar}/v1/models/times:explain", json=body, trust_env=False)
        assert answer.status_code == 200, answer.text
        (one,) = answer.json()["explanations"][0]["attributions"]
        return answer.json()["modelVersion"], one["featureAttributions"]["x"]

    def inferred():
        tensor = {"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}
        url = f"{sidecar}/v2/models/times/infer"
        return httpx.post(url, json={"inputs": [tensor]}, trust_env=False).json()["outputs"]

    with serving(models) as url, serving(Recorded(url)) as sidecar:
        for number, ask in ((1, explained), (2, explained), (3, inferred)):
            if number > 1:
                version(folder, number, Times)
                until(lambda n=number: states(models, "times").get(n) == "AVAILABLE")
                until(lambda n=number - 1: states(models, "times").get(n) in ("END", None))
            asked.clear()
            given = ask()
            if ask is explained:
                assert given == (str(number), [number, 2 * number, 3 * number])
                assert len(asked) >= 2
            else:
                assert given[0]["data"] == [18]
            assert asked[: number > 1] == [number - 1] * (number > 1)
            assert set(asked[number > 1 :]) == {number}


def test_a_version_is_not_loaded_while_it_is_being_copied(tmp_path):
    folder, source = tmp_path / "plus", tmp_path / "elsewhere"
    folder.mkdir()
    source.mkdir()
    version(folder, 1)
    whole = version(source, 2)
    with watched(folder) as models:
        data = (whole / "variables" / "variables.data-00000-of-00001").read_bytes()
        shutil.copytree(whole, folder / "2", ignore=lambda *_: ["variables"])
        shutil.copytree(
            whole / "variables",
            folder / "2" / "variables",
            ignore=lambda *_: ["variables.data-00000-of-00001"],
        )
        part = folder / "2" / "variables" / "variables.data-00000-of-00001"
        for end in range(0, len(data), max(1, len(data) // 10)):  # slower than it is looked at
            part.write_bytes(data[:end])
            time.sleep(2 * POLL)
            assert answer(models) == 1
        part.write_bytes(data)
        until(lambda: answer(models) == 2)


def exported(path, factor):
    """An export of a model that multiplies by a factor, with its explanations."""
    inputs = keras.Input((2,), name="x")
    layer = keras.layers.Dense(1, use_bias=False, name="y")
    model = keras.Model(inputs, layer(inputs))
    layer.set_weights([np.full((2, 1), factor, np.float32)])
    return save(model, path, ["saliency"])


def product(models):
    """What the model makes of ones, and what its record says of its explanations."""
    deadline = Deadline(60)
    with models.model(Which("times"), deadline) as model:
        given = model.run("serving_default", {"x": np.ones((1, 2), np.float32)}, None, deadline)
        return float(next(iter(given.values()))[0, 0]), sorted((model.record or {})["signatures"])


def copied(source, target, first):
    """Copies the files of a version whose names begin so."""
    for one in sorted(source.rglob("*")):
        name = one.relative_to(source)
        if one.is_file() and name.as_posix().startswith(first):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(one, target / name)


def test_an_export_is_loaded_when_its_list_says_that_it_is_whole(tmp_path):
    """Its list comes first, its variables last, and long rests lie between them."""
    source, base = exported(tmp_path / "from" / "2", 3), tmp_path / "to"
    exported(base / "times" / "1", 2)
    with watched(base) as models:
        for first in ("assets.extra/tfxai_files", "saved_model", "assets.extra", "fingerprint"):
            copied(source, base / "times" / "2", (first,))
            time.sleep(6 * POLL)
            assert product(models)[0] == 4.0
            if first != "assets.extra/tfxai_files":
                (state,) = models.states(Which("times", 2), Deadline(9))
                assert state.state == "START"
                assert "is missing" in state.message
        copied(source, base / "times" / "2", ("variables",))
        until(lambda: product(models)[0] == 6.0)
        assert models.states(Which("times"), Deadline(9))[0].state == "AVAILABLE"


def test_an_export_that_was_loaded_without_its_record_is_described_by_itself_and_loaded_anew(
    tmp_path,
):
    """The graph and its variables come long before all that lies beside them."""
    source, base, loads = exported(tmp_path / "from" / "1", 2), tmp_path / "to", []

    def load(path):
        loads.append(sorted(one.name for one in path.glob("assets.extra/*")))
        return Loaded(path)

    copied(source, base / "times" / "1", ("saved_model", "fingerprint", "variables"))
    with watched(base, load=load) as models:
        until(lambda: states(models, "times").get(1) == "AVAILABLE")
        value, told = product(models)
        assert value == 4.0
        assert "explain_saliency" in told
        copied(source, base / "times" / "1", ("assets.extra",))
        until(lambda: len(loads) == 2)
        until(lambda: product(models) == (4.0, told))
    assert loads[0] == []
    assert "tf_serving_warmup_requests" in loads[1]


def test_a_version_that_changes_is_loaded_anew_and_answers_meanwhile(tmp_path):
    folder = tmp_path / "plus"
    folder.mkdir()
    version(folder, 1)
    other = version(tmp_path, 5)
    with watched(folder) as models, models.model(Which("plus"), Deadline(60)) as held:
        shutil.copytree(other, folder / "1", dirs_exist_ok=True)
        until(lambda: answer(models) == 5)
        given = held.run("serving_default", {"x": np.zeros(1, "f")}, None, Deadline(9))
        assert given["y"] == [1.0]
        assert states(models) == {1: "AVAILABLE"}


def test_a_version_that_changes_for_the_worse_goes_on_as_it_was(tmp_path, caplog):
    folder = tmp_path / "plus"
    folder.mkdir()
    graph = version(folder, 1) / "saved_model.pb"
    with watched(folder) as models:
        graph.write_bytes(graph.read_bytes()[:100])
        until(lambda: "not loaded" in caplog.text)
        assert answer(models) == 1
        assert states(models) == {1: "AVAILABLE"}


def test_models_are_loaded_side_by_side_and_the_first_that_is_there_is_served(tmp_path):
    for name in ("a", "plus"):
        (tmp_path / name).mkdir()
        version(tmp_path / name, 1)
    go = threading.Event()

    def load(path):
        if path.parent.name == "a":
            go.wait(60)
        return Loaded(path)

    models = VersionFolder(tmp_path, poll_seconds=POLL, load=load)
    models.start()
    try:
        until(lambda: models.names() == ["plus"])
        assert answer(models) == 1
        assert models.waits_for() == "The models are being loaded."
        with pytest.raises(RequestError, match="The models are being loaded"):
            answer(models, "a")
        go.set()
        until(lambda: models.waits_for() is None)
        assert models.names() == ["a", "plus"]
    finally:
        go.set()
        models.close()


def test_an_older_version_is_not_loaded_while_a_newer_one_is(tmp_path):
    folder, loads = tmp_path / "plus", []
    folder.mkdir()
    version(folder, 1)
    version(folder, 2)
    with watched(folder, load=lambda path: loads.append(path.name) or Loaded(path)) as models:
        assert answer(models) == 2
    assert loads == ["2"]


def test_what_has_just_been_loaded_is_not_unloaded(tmp_path):
    """Loads end at any moment of a look, many looks long."""
    for name in range(20):
        for number in range(1, 11):
            (tmp_path / str(name) / str(number)).mkdir(parents=True)
            (tmp_path / str(name) / str(number) / "saved_model.pb").write_bytes(b"")
    models = VersionFolder(
        tmp_path, poll_seconds=0.001, keep=10, load=lambda path: Closing(lambda: None)
    )
    models.start()
    try:
        until(lambda: models.waits_for() is None)
        for name in range(20):
            assert set(states(models, str(name)).values()) == {"AVAILABLE"}
    finally:
        models.close()


def test_a_version_that_is_taken_away_makes_room_for_the_one_before_it(tmp_path):
    folder = tmp_path / "plus"
    folder.mkdir()
    version(folder, 1)
    with watched(folder) as models:
        version(folder, 2)
        until(lambda: states(models) == {1: "END", 2: "AVAILABLE"})
        shutil.rmtree(folder / "2")
        until(lambda: states(models) == {1: "AVAILABLE"})
        assert answer(models) == 1


def test_a_list_of_files_that_leads_elsewhere_or_is_none_is_passed_over(tmp_path):
    folder = tmp_path / "plus"
    folder.mkdir()
    for number, text in enumerate(
        ('{"../../../etc/none": 1}', '{"/none": 1}', '{"\\u0000": 1}', "[]", '{"a": "b"}'), 1
    ):
        extra = version(folder, number) / "assets.extra"
        extra.mkdir()
        (extra / "tfxai_files.json").write_text(text)
    with watched(folder, keep=5) as models:
        assert sorted(states(models).values()) == ["AVAILABLE"] * 5


def test_a_damaged_version_beside_a_good_one_is_told_of_and_passed_over(tmp_path):
    folder = tmp_path / "plus"
    folder.mkdir()
    version(folder, 1)
    version(folder, 2)
    graph = folder / "2" / "saved_model.pb"
    good = graph.read_bytes()
    graph.write_bytes(good[: len(good) // 2])
    other = tmp_path / "other"
    other.mkdir()
    documented(other / "1")
    with watched(tmp_path) as models:
        assert answer(models) == 1
        assert models.names() == ["other", "plus"]
        broken = models.states(Which("plus", 2), Deadline(9))[0]
        assert (broken.state, broken.code) == ("END", "FAILED_PRECONDITION")
        assert "was not loaded" in broken.message
        graph.write_bytes(good)  # mended: it is tried again
        until(lambda: answer(models) == 2)


def test_a_version_that_runs_code_is_not_loaded(tmp_path):
    class Hostile(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "x")])
        def __call__(self, x):
            tf.io.write_file(str(tmp_path / "written"), "by the model")
            return {"y": x}

    folder = tmp_path / "models" / "plus"
    folder.mkdir(parents=True)
    module = Hostile()
    tf.saved_model.save(module, str(folder / "1"), signatures=module.__call__)
    with watched(tmp_path / "models") as models:
        (state,) = models.states(Which("plus"), Deadline(9))
        assert state.state == "END"
        assert "WriteFile" in state.message
        assert models.waits_for() == "No version of any model could be loaded."
        with pytest.raises(RequestError, match=r"Latest\(plus\)"):
            answer(models)
    assert not (tmp_path / "written").exists()


def test_a_folder_that_is_gone_for_a_while_stops_nothing(tmp_path):
    folder = tmp_path / "base" / "plus"
    folder.mkdir(parents=True)
    version(folder, 1)
    with watched(tmp_path / "base") as models:
        (tmp_path / "base").rename(tmp_path / "away")
        time.sleep(4 * POLL)
        assert answer(models) == 1
        (tmp_path / "away").rename(tmp_path / "base")
        version(folder, 2)
        until(lambda: answer(models) == 2)


def test_what_is_no_version_is_passed_over(tmp_path):
    folder = tmp_path / "plus"
    for name in ("1x", ".2", "tmp", "٣"):
        (folder / name).mkdir(parents=True)
        (folder / name / "saved_model.pb").write_bytes(b"no graph")
    (folder / "7").mkdir()  # without a graph
    (tmp_path / "file").write_text("no folder")
    version(folder, 4)
    with watched(tmp_path) as models:
        assert states(models) == {4: "AVAILABLE"}


def test_before_the_first_look_is_over_requests_are_told_to_come_again(tmp_path):
    (tmp_path / "plus").mkdir()
    version(tmp_path / "plus", 1)
    models = VersionFolder(tmp_path, poll_seconds=POLL)
    for ask in (answer, states):
        with pytest.raises(RequestError, match="The models are being loaded") as raised:
            ask(models)
        assert (raised.value.status, raised.value.retry_after) == (503, 1)
    with watched(tmp_path) as models:
        assert answer(models) == 1
        with pytest.raises(RequestError) as raised:
            answer(models, "minus")
        assert raised.value.status == 404


def test_what_keeps_a_model_from_being_served_is_told_of_once(tmp_path, caplog):
    with watched(tmp_path, labels={"plus": {"stable": 7}}):
        time.sleep(3 * POLL)
    assert caplog.text.count(f"There is no model in {tmp_path} yet") == 1
    assert caplog.text.count("There is no version 7 of plus yet, for 'stable'.") == 1


def test_a_version_beside_folders_of_models_hides_none_of_them(tmp_path, caplog):
    (tmp_path / "plus").mkdir()
    version(tmp_path / "plus", 1)
    with watched(tmp_path) as models:
        version(tmp_path, 5)  # an export whose NAME was forgotten
        until(lambda: "its own versions are not served: 5. Move them" in caplog.text)
        version(tmp_path / "plus", 2)
        until(lambda: answer(models) == 2)
        assert models.names() == ["plus"]
    with watched(tmp_path) as models:
        assert models.names() == ["plus"]


def test_a_base_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataNotFoundError, match="There is no folder"):
        VersionFolder(tmp_path / "none")
