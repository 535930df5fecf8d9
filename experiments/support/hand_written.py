"""A computation of backpropagation as a person would write it down: the lines of one sample, the mean, and figures of both."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch

from experiments.support.hand_computed import Passed, Theta, mean_gradient, slope, softmax
from jaxnn.plots import BLUE, RED

RADIUS = 0.27
LABEL_AT = {(0, 0): 0.42, (0, 1): 0.24, (1, 0): 0.24, (1, 1): 0.42}
"""Where on the arrow from neuron v to neuron q its number stands, so that numbers on arrows that cross don't meet."""


def lines(theta: Theta, one: Passed, autodiff: Theta, y: Any, kind: str) -> list[str]:
    """Every step of one sample: forward, last layer, recursion, weights; deltas and gradients with autodiff's numbers beside them."""
    return [*forward_lines(theta, one, y, kind), *error_lines(theta, one, autodiff, y, kind), *weight_lines(one, autodiff)]


def forward_lines(theta: Theta, one: Passed, y: Any, kind: str) -> list[str]:
    """Weighted inputs and outputs, layer by layer, and the loss."""
    written = []
    for number, weights in enumerate(theta, start=1):
        for q, b in enumerate(one.b[number - 1]):
            terms = [text(weights[0, q])] + [product(weights[1 + v, q], x) for v, x in enumerate(one.x[number - 1])]
            last = number == len(theta)
            output = f"output {q + 1} = b" if last else f"x{q + 1}[{number}] = sigma(b) = {text(one.x[number][q])}"
            written.append(f"b{q + 1}[{number}] = {' + '.join(terms)} = {text(b)}; {output}")
    if kind == "regression":
        return [*written, f"J = (y - y_hat)^2 = ({text(y)} - {bracketed(one.b[-1][0])})^2 = {text(one.loss)}"]
    shares = ", ".join(map(text, softmax(one.b[-1])))
    return [*written, f"p = softmax(b[{len(theta)}]) = ({shares}); J = -ln p{y + 1} = {text(one.loss)}"]


def error_lines(theta: Theta, one: Passed, autodiff: Theta, y: Any, kind: str) -> list[str]:
    """delta of every neuron, last layer first."""
    written = []
    for number in range(len(theta), 0, -1):
        for q, delta in enumerate(one.delta[number - 1]):
            if number < len(theta):
                terms = " + ".join(product(theta[number][1 + q, z], error) for z, error in enumerate(one.delta[number]))
                formula = f"sigma'(b) (sum of theta delta) = {text(slope(one.b[number - 1][q]))} ({terms})"
            elif kind == "regression":
                formula = f"-2 (y - y_hat) = -2 ({text(y)} - {bracketed(one.b[-1][0])})"
            else:
                formula = f"p{q + 1} - {int(q == y)} = {text(softmax(one.b[-1])[q])} - {int(q == y)}"
            written.append(f"delta{q + 1}[{number}] = {formula} = {beside(delta, autodiff[number - 1][0, q])}")
    return written


def weight_lines(one: Passed, autodiff: Theta) -> list[str]:
    """The derivative by every weight, last layer first; x0 = 1 is the input of the bias."""
    written = []
    for number in range(len(one.gradient), 0, -1):
        errors, inputs = one.delta[number - 1], [1.0, *one.x[number - 1]]
        for (v, q), value in np.ndenumerate(one.gradient[number - 1]):
            formula = f"delta{q + 1}[{number}] x{v}[{number - 1}] = {product(errors[q], inputs[v])}"
            written.append(f"dJ/dtheta{v}{q + 1}[{number}] = {formula} = {beside(value, autodiff[number - 1][v, q])}")
    return written


def mean_lines(passed: list[Passed], autodiff: Theta) -> list[str]:
    """The mean of the samples' derivatives by every weight."""
    return [
        f"dJ/dtheta{v}{q + 1}[{number + 1}] = ({' + '.join(bracketed(one.gradient[number][v, q]) for one in passed)}) / {len(passed)} = "
        f"{beside(layer[v, q], autodiff[number][v, q])}"
        for number, layer in reversed(list(enumerate(mean_gradient(passed))))
        for v, q in np.ndindex(layer.shape)
    ]


def text(value: Any) -> str:
    """Four decimals at most."""
    return f"{value:.4f}".rstrip("0").rstrip(".")


def bracketed(value: Any) -> str:
    """In brackets where it is negative."""
    return f"({text(value)})" if value < 0 else text(value)


def product(first: Any, second: Any) -> str:
    """Two factors."""
    return f"{bracketed(first)}·{bracketed(second)}"


def beside(by_hand: Any, autodiff: Any) -> str:
    """A number and what autodiff has for it."""
    return f"{text(by_hand)} (autodiff {float(autodiff):.16g}, difference {abs(by_hand - float(autodiff)):.1e})"


def draw(theta: Theta, one: Passed, y: float) -> Figure:
    """One sample's way through the net: forwards weights, weighted inputs and outputs, backwards gradients and errors."""
    figure = Figure(figsize=(9.6, 9.6), layout="constrained")
    ahead, back = figure.subplots(2, 1)
    draw_net(ahead, theta, backwards=False)
    draw_net(back, one.gradient, backwards=True)
    for q, value in enumerate(one.x[0]):
        for axes in (ahead, back):
            neuron(axes, position(0, q, len(one.x[0])), f"$x_{q + 1}$\n{text(value)}", "black" if axes is ahead else "0.45")
    for layer, (inputs, errors) in enumerate(zip(one.b[:-1], one.delta[:-1], strict=True), start=1):
        for q, (b, error) in enumerate(zip(inputs, errors, strict=True)):
            place = position(layer, q, len(inputs))
            neuron(ahead, place, f"b = {b:.3f}\nx = {one.x[layer][q]:.3f}", "black")
            neuron(back, place, f"σ′ = {slope(b):.3f}\nδ = {error:.4f}", RED)
    output, last = one.b[-1][0], position(len(theta), 0, 1)
    neuron(ahead, last, f"ŷ = b\n{output:.3f}", "black")
    neuron(back, last, f"δ\n{one.delta[-1][0]:.4f}", RED)
    ahead.text(last[0] + 0.42, last[1], f"y = {text(y)}\n\nJ = (y − ŷ)²\n= {one.loss:.4f}", va="center", fontsize=11)
    back.text(last[0] + 0.42, last[1], f"−2 (y − ŷ)\n= −2 · {y - output:.4f}", va="center", fontsize=11, color=RED)
    ahead.set_title("Forwards: weights θ on the arrows, weighted inputs b = Σ θ x, outputs x = σ(b)", fontsize=12, color=BLUE)
    back.set_title("Backwards: δ = σ′(b) · Σ θ δ in the neurons, gradients ∂J/∂θ = δ x on the arrows", fontsize=12, color=RED)
    return figure


def draw_net(axes: Axes, numbers: Theta, *, backwards: bool) -> None:
    """Arrows between the layers with their numbers; biases come from a small 1 above each layer."""
    colour, style = (RED, "<|-") if backwards else (BLUE, "-|>")
    for layer, table in enumerate(numbers):
        inputs, neurons = table.shape[0] - 1, table.shape[1]
        one = (layer + 0.42, 1.28)
        ring = {"boxstyle": "circle", "fc": "white", "ec": "0.6"}
        axes.text(one[0], one[1], "1", ha="center", va="center", fontsize=10, color="0.45", bbox=ring)
        for (v, q), value in np.ndenumerate(table):
            start, gap, at = position(layer, v - 1, inputs), RADIUS, LABEL_AT.get((v - 1, q), 0.45) if neurons > 1 else 0.45
            if v == 0:
                start, gap, at = one, 0.1, 0.44 if q == 0 else 0.66
            tail, tip = _arrow(axes, start, position(layer + 1, q, neurons), gap, style)
            spot = tail + (tip - tail) * at
            label = (f"{value:.4f}" if backwards else text(value)).replace("-", "−")
            white = {"fc": "white", "ec": "none", "pad": 0.8}
            axes.text(spot[0], spot[1], label, ha="center", va="center", fontsize=9, color=colour, bbox=white)
    axes.set(xlim=(-0.4, len(numbers) + 1.15), ylim=(-1.0, 1.45), aspect="equal")
    axes.axis("off")


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], gap: float, style: str) -> tuple[np.ndarray, np.ndarray]:
    direction = np.subtract(end, start) / np.hypot(*np.subtract(end, start))
    tail, tip = start + direction * gap, end - direction * RADIUS
    arrow = FancyArrowPatch(tuple(tail), tuple(tip), arrowstyle=style, mutation_scale=10, shrinkA=0, shrinkB=0, color="0.6")
    axes.add_patch(arrow)
    return tail, tip


def neuron(axes: Axes, place: tuple[float, float], shown: str, colour: str) -> None:
    """A circle with its numbers."""
    axes.add_patch(Circle(place, RADIUS, facecolor="white", edgecolor="black", zorder=3))
    axes.text(place[0], place[1], shown.replace("-", "−"), ha="center", va="center", fontsize=8.5, zorder=4, color=colour)


def position(layer: int, q: int, count: int) -> tuple[float, float]:
    """Where neuron q of a layer of so many stands."""
    return layer, 0.0 if count == 1 else 0.6 - 1.2 * q / (count - 1)


def draw_mean(passed: list[Passed], autodiff: Theta) -> Figure:
    """A row for every weight: its derivative of each sample, their mean, autodiff's."""
    columns = [*(one.gradient for one in passed), mean_gradient(passed), autodiff]
    values = np.array([np.concatenate([layer.ravel() for layer in table]) for table in columns]).T
    names = [
        f"$\\theta_{{{v}{q + 1}}}^{{[{number}]}}$"
        for number, layer in enumerate(autodiff, start=1)
        for v, q in np.ndindex(layer.shape)
    ]  # fmt: skip
    figure = Figure(figsize=(8.5, 6.4), layout="constrained")
    axes = figure.subplots()
    palette = LinearSegmentedColormap.from_list("signs", [BLUE, "#FFFFFF", RED])
    limit = 1.6 * np.abs(values).max()
    axes.imshow(np.insert(values, 3, 0, axis=1), cmap=palette, vmin=-limit, vmax=limit, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        axes.text(column + (column > 2), row, f"{value:.5f}".replace("-", "−"), ha="center", va="center", fontsize=9)
    samples = [f"sample {i + 1}" for i in range(len(passed))]
    axes.set_xticks(range(len(columns) + 1), [*samples, "", "mean", "autodiff of\nthe mean loss"])
    axes.set_yticks(range(len(names)), names)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for edge in np.cumsum([layer.size for layer in autodiff])[:-1]:
        axes.axhline(edge - 0.5, color="black", linewidth=0.8)
    axes.set_xlabel(f"∂J/∂θ; largest difference between the last two columns: {np.abs(values[:, -1] - values[:, -2]).max():.1e}")
    return figure
