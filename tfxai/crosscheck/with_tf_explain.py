"""tf-explain's gradient methods and Grad-CAM beside tfxai's.

Compared are the raw numbers of its static methods. What `explain` makes of them is for display
only: the sum of their absolute values over the channels, standardised over the whole batch and
cast to uint8.
"""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import keras
import numpy as np

from tfxai.arrays import Array
from tfxai.crosscheck.checking import Case
from tfxai.crosscheck.setting import Setting

PEER = "tf-explain"
NOISE = 0.15  # of the image's range: the paper takes 0.1 to 0.2
PROBABILITY = (
    "It takes the softmax off only where that is a layer of its own; else it warns and explains "
    "the probability."
)
SMOOTH = (
    "It averages the gradient of the cross-entropy, not of the class's score: each sample has "
    "the sign turned and is divided by its probability. Its noise is absolute (1.0 by default, "
    "whatever the image's range) and its draws are its own."
)
INTEGRAL = (
    "It leaves out the factor x - x', and takes the plain mean over n nodes from 0 to 1, where "
    "the trapezoid rule halves both ends."
)
PLAIN_CAM = "It has no ReLU, and explains the probability."
GUIDED_CAM = (
    "By default it sets gradients to zero where they or the activation are negative before it "
    "averages them (no part of Grad-CAM), has no ReLU, and explains the probability."
)
NO_LAYER = (
    "Its search for the last convolution asks layers for output_shape, which those of Keras 3 do "
    "not have: name the layer."
)


def cases(core: Any, setting: Setting) -> list[Case]:
    """One case for each method that tfxai has too.

    Args:
        core: The module `tf_explain.core`.
        setting: Model, image and class to explain.
    """
    return [
        _vanilla(core, setting),
        _gradient_input(core, setting),
        _smooth(core, setting),
        _integral(core, setting),
        _plain_cam(core, setting),
        _guided_cam(core, setting),
        _without_layer(core, setting),
    ]


def _vanilla(core: Any, setting: Setting) -> Case:
    def theirs() -> Array:
        model = _score_model(core, setting)
        return np.asarray(
            core.VanillaGradients.compute_gradients(setting.x, model, setting.target)
        )

    return Case(
        peer=PEER,
        method="VanillaGradients",
        ours=partial(setting.gradient, "logit"),
        theirs=theirs,
        departure=PROBABILITY,
        reconcile=lambda ours, theirs: (setting.gradient("output"), theirs),
    )


def _gradient_input(core: Any, setting: Setting) -> Case:
    def theirs() -> Array:
        model = _score_model(core, setting)
        return np.asarray(core.GradientsInputs.compute_gradients(setting.x, model, setting.target))

    def ours(score: str) -> Array:
        return setting.named("gradient_input", score)

    return Case(
        peer=PEER,
        method="GradientsInputs",
        ours=partial(ours, "logit"),
        theirs=theirs,
        departure=PROBABILITY,
        reconcile=lambda _, theirs: (ours("output"), theirs),
        needs="gradient_input",
    )


def _smooth(core: Any, setting: Setting) -> Case:
    noisy = _draws(core, setting)

    def theirs() -> Array:
        return np.asarray(
            core.SmoothGrad.get_averaged_gradients(
                noisy, setting.model, setting.target, setting.samples
            )
        )

    def ours() -> Array:
        return setting.named("smooth_grad", "logit", samples=setting.samples, noise=NOISE)

    def of_cross_entropy(_: Array, theirs: Array) -> tuple[Array, Array]:
        values, score = setting.gradients(noisy, "output")  # d(-log p) = -dp / p
        return -(values / score[:, None, None, None]).mean(axis=0, keepdims=True), theirs

    return Case(
        peer=PEER,
        method="SmoothGrad",
        ours=ours,
        theirs=theirs,
        departure=SMOOTH,
        reconcile=of_cross_entropy,
        needs="smooth_grad",
    )


def _integral(core: Any, setting: Setting) -> Case:
    steps = setting.steps

    def theirs() -> Array:
        path = core.IntegratedGradients.generate_interpolations(setting.x, steps)
        return np.asarray(
            core.IntegratedGradients.get_integrated_gradients(
                path, setting.model, setting.target, steps
            )
        )

    def plain_mean(_: Array, theirs: Array) -> tuple[Array, Array]:
        # the n nodes from 0 to 1 are those of the left rule with n - 1 steps, and 1 itself
        left = setting.integral("riemann_left", steps - 1)
        end = setting.x * setting.gradient("output")
        return ((steps - 1) * left + end) / steps, setting.x * theirs

    return Case(
        peer=PEER,
        method="IntegratedGradients",
        ours=partial(setting.integral, "riemann_trapezoid"),
        theirs=theirs,
        departure=INTEGRAL,
        reconcile=plain_mean,
    )


def _plain_cam(core: Any, setting: Setting) -> Case:
    return Case(
        peer=PEER,
        method="GradCAM, not guided",
        ours=partial(_cam, setting, "logit"),
        theirs=partial(_their_cam, core, setting, False),
        departure=PLAIN_CAM,
        reconcile=lambda _, theirs: (_cam(setting, "output"), np.maximum(theirs, 0)),
    )


def _guided_cam(core: Any, setting: Setting) -> Case:
    def guided(_: Array, theirs: Array) -> tuple[Array, Array]:
        layer = setting.model.get_layer(setting.layer)
        activations = np.asarray(keras.Model(setting.model.input, layer.output)(setting.x))
        gradients = setting.gradient("output", at=setting.layer)
        kept = np.where((activations > 0) & (gradients > 0), gradients, 0)
        weights = kept.mean(axis=(1, 2))
        return np.einsum("bk,bhwk->bhw", weights, activations), theirs

    return Case(
        peer=PEER,
        method="GradCAM, default",
        ours=partial(_cam, setting, "logit"),
        theirs=partial(_their_cam, core, setting, True),
        departure=GUIDED_CAM,
        reconcile=guided,
    )


def _without_layer(core: Any, setting: Setting) -> Case:
    def theirs() -> Array:
        layer = core.GradCAM.infer_grad_cam_target_layer(setting.model)
        return _their_cam(core, setting, True, layer)

    return Case(
        peer=PEER,
        method="GradCAM, no layer",
        ours=partial(_cam, setting, "logit"),
        theirs=theirs,
        departure=NO_LAYER,
        fails=True,
    )


def _cam(setting: Setting, score: str) -> Array:
    return setting.named("grad_cam", score, layer=setting.layer)


def _their_cam(core: Any, setting: Setting, guided: bool, layer: str | None = None) -> Array:
    outputs, gradients = core.GradCAM.get_gradients_and_filters(
        setting.model, setting.x, layer or setting.layer, setting.target, guided
    )
    return np.stack(
        [np.asarray(cam) for cam in core.GradCAM.generate_ponderated_output(outputs, gradients)]
    )


def _score_model(core: Any, setting: Setting) -> Any:
    """The model that its gradients are of."""
    with warnings.catch_warnings():  # that the softmax stays on, which the note says
        warnings.simplefilter("ignore")
        return core.VanillaGradients().get_score_model(setting.model)


def _draws(core: Any, setting: Setting) -> Array:
    """Its noisy images, the same ones every time, and NumPy's own state as it was."""
    before = np.random.get_state()  # noqa: NPY002 - what the peer draws from
    try:
        np.random.seed(0)  # noqa: NPY002
        noise = NOISE * float(np.ptp(setting.x))
        return core.SmoothGrad.generate_noisy_images(setting.x, setting.samples, noise)
    finally:
        np.random.set_state(before)  # noqa: NPY002
