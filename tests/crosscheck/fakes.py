"""Stand-ins for the peers: their interface and their known departures, written slowly."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import keras
import numpy as np
import tensorflow as tf


def gradient(model, images, target):
    """d output / d image for each image, by an eager tape."""
    x = tf.convert_to_tensor(images, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = model(x)[:, target]
    return tape.gradient(score, x).numpy()


def nodes_and_weights(rule, n):
    if rule == "gausslegendre":
        nodes, weights = np.polynomial.legendre.leggauss(n)
        return (nodes + 1) / 2, weights / 2
    if rule == "riemann_trapezoid":  # as theirs: 1 / n for n - 1 intervals
        return np.linspace(0, 1, n), np.array([0.5, *[1] * (n - 2), 0.5]) / n
    first = {"riemann_left": 0.0, "riemann_middle": 0.5 / n, "riemann_right": 1 / n}[rule]
    return first + np.arange(n) / n, np.full(n, 1 / n)


class AlibiIntegratedGradients:
    """The part of alibi's interface that is compared."""

    def __init__(self, model, method, n_steps):
        self.model, self.rule, self.steps = model, method, n_steps

    def explain(self, x, baselines, target):
        nodes, weights = nodes_and_weights(self.rule, self.steps)
        path = np.concatenate([baselines + node * (x - baselines) for node in nodes])
        mean = np.einsum("k,k...->...", weights, gradient(self.model, path, target))
        return SimpleNamespace(attributions=[(x - baselines) * mean])


class VanillaGradients:
    """Of the output: no model here has a softmax layer of its own."""

    def get_score_model(self, model):
        return model

    @staticmethod
    def compute_gradients(images, model, class_index):
        return gradient(model, images, class_index)


class GradientsInputs(VanillaGradients):
    @staticmethod
    def compute_gradients(images, model, class_index):
        return images * gradient(model, images, class_index)


class SmoothGrad:
    @staticmethod
    def generate_noisy_images(images, num_samples, noise):
        repeated = np.repeat(images, num_samples, axis=0)
        return repeated + np.random.normal(0, noise, repeated.shape)  # noqa: NPY002

    @staticmethod
    def get_averaged_gradients(noisy_images, model, class_index, num_samples):
        probability = model(np.asarray(noisy_images, np.float32)).numpy()[:, class_index]
        of_probability = gradient(model, noisy_images, class_index)
        of_loss = -of_probability / probability[:, None, None, None]
        return of_loss.reshape(-1, num_samples, *of_loss.shape[1:]).mean(axis=1)


class IntegratedGradients:
    @staticmethod
    def generate_interpolations(images, n_steps):
        return np.concatenate([images * alpha for alpha in np.linspace(0, 1, n_steps)])

    @staticmethod
    def get_integrated_gradients(interpolated_images, model, class_index, n_steps):
        return gradient(model, interpolated_images, class_index).mean(axis=0, keepdims=True)


class GradCAM:
    @staticmethod
    def infer_grad_cam_target_layer(model):
        return next(one for one in reversed(model.layers) if len(one.output_shape) == 4).name

    @staticmethod
    def get_gradients_and_filters(model, images, layer_name, class_index, use_guided_grads):
        layer = model.get_layer(layer_name)
        activations = np.asarray(keras.Model(model.input, layer.output)(images))
        found = layer_gradient(model, layer_name, activations, class_index)
        if use_guided_grads:
            found = found * (activations > 0) * (found > 0)
        return activations, found

    @staticmethod
    def generate_ponderated_output(outputs, grads):
        weights = grads.mean(axis=(1, 2))
        return list(np.einsum("bk,bhwk->bhw", weights, outputs))


def layer_gradient(model, layer_name, activations, target):
    """d output / d activations, the layers after `layer_name` applied one by one."""
    names = [layer.name for layer in model.layers]
    tail = model.layers[names.index(layer_name) + 1 :]
    value = tf.convert_to_tensor(activations)
    with tf.GradientTape() as tape:
        tape.watch(value)
        result = value
        for layer in tail:
            result = layer(result)
        score = result[:, target]
    return tape.gradient(score, value).numpy()


def install(monkeypatch):
    """Puts the stand-ins where the peers would be imported from; returns their modules."""
    alibi, explainers = ModuleType("alibi"), ModuleType("alibi.explainers")
    explainers.IntegratedGradients = AlibiIntegratedGradients
    tf_explain, core = ModuleType("tf_explain"), ModuleType("tf_explain.core")
    for one in (VanillaGradients, GradientsInputs, SmoothGrad, IntegratedGradients, GradCAM):
        setattr(core, one.__name__, one)
    alibi.explainers, tf_explain.core = explainers, core
    for module in (alibi, explainers, tf_explain, core):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return explainers, core


def remove(monkeypatch, name):
    """Makes a package one that is not installed."""
    monkeypatch.setitem(sys.modules, name, None)
