import sys

import numpy as np
import pytest

from tests import builders
from tests.crosscheck import fakes
from tfxai import methods
from tfxai.crosscheck import Setting, Verdict, check, crosscheck, require_peers, with_tf_explain
from tfxai.crosscheck.peers import PEERS
from tfxai.errors import MissingExtraError, UnsupportedModelError


@pytest.fixture
def peers(monkeypatch):
    return fakes.install(monkeypatch)


@pytest.fixture(scope="module")
def setting():
    return Setting(builders.functional(), builders.images(1), 1, "conv2", steps=6, samples=3)


def verdicts(setting):
    return {result.method: result.verdict for result in crosscheck(setting, rounds=0)}


def verdict(setting, method):
    """As `verdicts`, of one method alone."""
    cases = [case for peer in PEERS for case in peer.cases(peer.load(), setting)]
    return check(
        next(case for case in cases if case.method == method),
        0,
        tuple(methods.names()),
    ).verdict


@pytest.mark.slow
def test_peers_with_their_known_departures_raise_no_alarm(peers, setting):
    known = verdicts(setting)
    expected = {
        "IG gausslegendre": Verdict.AGREES,
        "IG riemann_left": Verdict.AGREES,
        "IG riemann_right": Verdict.AGREES,
        "IG riemann_middle": Verdict.AGREES,
        "IG riemann_trapezoid": Verdict.DEPARTS,
        "VanillaGradients": Verdict.DEPARTS,
        "GradientsInputs": Verdict.DEPARTS,
        "SmoothGrad": Verdict.DEPARTS,
        "IntegratedGradients": Verdict.DEPARTS,
        "GradCAM, not guided": Verdict.DEPARTS,
        "GradCAM, default": Verdict.DEPARTS,
        "GradCAM, no layer": Verdict.FAILS_AS_KNOWN,
    }
    if "gradient_input" not in methods.names():
        expected["GradientsInputs"] = Verdict.LEFT_OUT
    assert known == expected


def test_peer_that_has_mended_its_trapezoid_rule_agrees(peers, setting, monkeypatch):
    class Mended(fakes.AlibiIntegratedGradients):
        def explain(self, x, baselines, target):
            found = super().explain(x, baselines, target)
            if self.rule == "riemann_trapezoid":
                found.attributions[0] *= self.steps / (self.steps - 1)
            return found

    monkeypatch.setattr(peers[0], "IntegratedGradients", Mended)
    assert verdict(setting, "IG riemann_trapezoid") is Verdict.AGREES


WRONG = {
    "IG riemann_left": ("IntegratedGradients", 0),
    "VanillaGradients": ("VanillaGradients", 1),
    "SmoothGrad": ("SmoothGrad", 1),
    "IntegratedGradients": ("IntegratedGradients", 1),
    "GradCAM, default": ("GradCAM", 1),
    "GradCAM, not guided": ("GradCAM", 1),
}


@pytest.mark.parametrize("method", WRONG)
def test_a_thousandth_more_than_the_known_departure_is_found(peers, setting, monkeypatch, method):
    name, which = WRONG[method]
    original = getattr(peers[which], name)

    class Wrong(original):
        def explain(self, *args, **kwargs):
            found = super().explain(*args, **kwargs)
            found.attributions[0] = found.attributions[0] * 1.001
            return found

        @staticmethod
        def compute_gradients(*args):
            return 1.001 * original.compute_gradients(*args)

        @staticmethod
        def get_averaged_gradients(*args):
            return 1.001 * original.get_averaged_gradients(*args)

        @staticmethod
        def get_integrated_gradients(*args):
            return 1.001 * original.get_integrated_gradients(*args)

        @staticmethod
        def generate_ponderated_output(*args):
            return [1.001 * one for one in original.generate_ponderated_output(*args)]

    monkeypatch.setattr(peers[which], name, Wrong)
    assert verdict(setting, method) is Verdict.DIFFERS


def test_draws_are_the_same_every_time_and_leave_numpys_state_alone(peers, setting):
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    drawn = [with_tf_explain._draws(peers[1], setting) for _ in range(2)]
    assert np.random.random() == expected  # noqa: NPY002
    np.testing.assert_array_equal(*drawn)
    spread = (drawn[0] - setting.x).std() / np.ptp(setting.x)
    assert spread == pytest.approx(with_tf_explain.NOISE, rel=0.3)  # 180 draws: 5 % deviation


def test_setting_takes_the_predicted_class_and_the_layer_of_grad_cam():
    model, x = builders.functional(), builders.images(1)
    setting = Setting.of(model, x)
    assert setting.target == int(model(x).numpy().argmax())
    assert setting.layer == "conv2"
    assert Setting.of(model, x, "conv1").layer == "conv1"


def test_model_with_one_output_is_refused():
    with pytest.raises(UnsupportedModelError, match=r"shape \(None, 1\).*two classes or more"):
        Setting.of(builders.functional("sigmoid", units=1), builders.images(1))


@pytest.mark.parametrize("name", ["alibi", "tf_explain"])
def test_missing_peer_is_named_with_the_way_to_get_it(peers, monkeypatch, name):
    fakes.remove(monkeypatch, name)
    with pytest.raises(
        MissingExtraError, match=r"is not installed.*make crosscheck.*peers"
    ) as met:
        require_peers()
    assert str(met.value).startswith(name.replace("_", "-"))


def test_peer_that_cannot_be_imported_is_quoted(peers, monkeypatch):
    class Broken:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name == "alibi":
                raise AttributeError("np.string_ is gone")

    for module in ("alibi", "alibi.explainers"):
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(sys, "meta_path", [Broken, *sys.meta_path])
    with pytest.raises(MissingExtraError, match=r"alibi cannot be imported.*np\.string_ is gone"):
        require_peers()


def test_version_of_a_peer_that_does_not_say_is_unknown(peers):
    assert all(peer.version for peer in PEERS)
