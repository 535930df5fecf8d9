"""Backpropagation by the lecture's formulas, index by index, in Python's own numbers, without any library's rule.

Symbols: theta[l] the weights of layer l, (1 + inputs, neurons) with row 0 the biases; b[l] weighted inputs, x[l] outputs, x[0] the sample;
delta[l] = dJ/db[l]. Hidden neurons are sigmoids, the last layer is linear. kind: "regression", squared error of one output without
a factor 1/2, or "classification", softmax and cross-entropy.
"""

import math
from typing import Any, NamedTuple

import numpy as np

Theta = list[np.ndarray]
"""Weights of each layer (1 + inputs, neurons), row 0 the biases."""


class Passed(NamedTuple):
    """One sample's way there and back: outputs x[0] ... x[L], weighted inputs b[1] ... b[L], errors and gradients of layers 1 ... L."""

    x: list[list[float]]
    b: list[list[float]]
    delta: list[list[float]]
    gradient: Theta
    loss: float


def one_sample(theta: Theta, sample: np.ndarray, y: Any, kind: str) -> Passed:
    """Forward, last layer, delta recursion and gradient of one sample, by the slides' formulas."""
    x, b = forward(theta, sample)
    outputs = b[-1]
    delta = recursion(theta, b, last_delta(outputs, y, kind))
    return Passed(x, b, delta, weight_gradients(x, delta), loss(outputs, y, kind))


def forward(theta: Theta, sample: np.ndarray) -> tuple[list[list[float]], list[list[float]]]:
    """Outputs and weighted inputs of all layers; the last layer has no activation."""
    x, b = [[float(value) for value in sample]], []
    for number, weights in enumerate(theta, start=1):
        b.append(
            [float(weights[0, q]) + sum(float(weights[1 + v, q]) * value for v, value in enumerate(x[-1])) for q in range(weights.shape[1])]
        )
        x.append(b[-1] if number == len(theta) else [sigmoid(value) for value in b[-1]])
    return x, b


def recursion(theta: Theta, b: list[list[float]], last: list[float]) -> list[list[float]]:
    """delta_q[l] = sigma'(b_q[l]) sum_z theta_qz[l+1] delta_z[l+1], from the last layer's errors back to the first layer's."""
    delta = [last]
    for weights, inputs in zip(theta[:0:-1], b[-2::-1], strict=True):
        back = [sum(float(weights[1 + q, z]) * error for z, error in enumerate(delta[0])) for q in range(len(inputs))]
        delta.insert(0, [slope(value) * total for value, total in zip(inputs, back, strict=True)])
    return delta


def weight_gradients(x: list[list[float]], delta: list[list[float]]) -> Theta:
    """delta_q[l] x_v[l-1] for every weight, with 1 for the input of the bias."""
    return [np.array([[error * value for error in errors] for value in [1.0, *inputs]]) for inputs, errors in zip(x, delta, strict=False)]


def last_delta(outputs: list[float], y: Any, kind: str) -> list[float]:
    """dJ/db[L] of the one linear output, or of the softmax of several."""
    if kind == "regression":
        return [-2 * (float(y) - outputs[0])]
    return [p - (z == y) for z, p in enumerate(softmax(outputs))]


def loss(outputs: list[float], y: Any, kind: str) -> float:
    """(y - y_hat)^2, or -ln p of the true class."""
    return (float(y) - outputs[0]) ** 2 if kind == "regression" else -math.log(softmax(outputs)[int(y)])


def sigmoid(b: float) -> float:
    """1 / (1 + exp(-b))."""
    return 1 / (1 + math.exp(-b))


def slope(b: float) -> float:
    """sigma'(b) = sigma (1 - sigma)."""
    return sigmoid(b) * (1 - sigmoid(b))


def softmax(outputs: list[float]) -> list[float]:
    """exp o_z / sum exp o."""
    powers = [math.exp(value) for value in outputs]
    return [power / sum(powers) for power in powers]


def mean_gradient(passed: list[Passed]) -> Theta:
    """The mean over samples, layer by layer."""
    return [sum(layer, np.zeros_like(layer[0])) / len(passed) for layer in zip(*(one.gradient for one in passed), strict=True)]


def begun_with_one(theta: Theta, passed: Passed) -> Theta:
    """The gradient as on the slide where delta[L] = 1: of y_hat, not yet of J."""
    return weight_gradients(passed.x, recursion(theta, passed.b, [1.0]))
