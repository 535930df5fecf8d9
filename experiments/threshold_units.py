"""What can a threshold unit compute, and what takes a second layer or a circle?

Two conventions go by the name of McCulloch and Pitts. Their unit proper (1943) has weights of 1, a whole threshold and absolute
inhibition: one active inhibiting input silences it. The weighted threshold unit of the textbooks (the lecture's too) has any
real weights. Both are Dense + Step with weights set by hand.

Counting is exact. Units proper are listed outright: each of n inputs excites, inhibits or is not connected, thresholds 0 to
n + 1. For weighted units whole weights from -3 to 3 are searched, and every Boolean function that is not found is refuted:
two rows where it is 1 and two where it is 0 (repetition allowed) with the same sum of inputs, which no weights can tell apart. Found
and refuted together are all 2^(2^n) functions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations_with_replacement, product

import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from experiments.support.runner import Results, Show, command_line, ignore
from experiments.support.threshold_nets import Net, Unit, build, cube, draw_net, proper, run_circle, truth_table
from jaxnn.plots import BLUE, GREEN, ORANGE, RED

X, XX, XXX = ("$x_1$",), ("$x_1$", "$x_2$"), ("$x_1$", "$x_2$", "$x_3$")
NETS: dict[str, tuple[Net, Callable[..., bool]]] = {
    "AND": (Net(XX, ((proper(2, 2, excite=(0, 1)),),)), lambda a, b: a and b),
    "OR": (Net(XX, ((proper(2, 1, excite=(0, 1)),),)), lambda a, b: a or b),
    "NOT": (Net(X, ((proper(1, 0, inhibit=(0,)),),)), lambda a: not a),
    "majority": (Net(XXX, ((proper(3, 2, excite=(0, 1, 2)),),)), lambda a, b, c: a + b + c >= 2),
    "NAND, weighted": (Net(XX, ((Unit((-1, -1), -1),),)), lambda a, b: not (a and b)),
    "NAND, two layers": (Net(XX, ((proper(2, 2, excite=(0, 1)),), (proper(1, 0, inhibit=(0,)),))), lambda a, b: not (a and b)),
    "XOR, two layers": (
        Net(XX, ((proper(2, 1, excite=(0,), inhibit=(1,)), proper(2, 1, excite=(1,), inhibit=(0,))), (proper(2, 1, excite=(0, 1)),))),
        lambda a, b: a != b,
    ),
    "XOR, weighted": (Net(XX, ((Unit((1, 1), 1), Unit((-1, -1), -1)), (Unit((1, 1), 2),))), lambda a, b: a != b),
}
LATCH = Net(("set", "reset", "state"), ((proper(3, 1, excite=(0, 2), inhibit=(1,)),),))
"""The circle: a unit that excites itself. Set switches it on, it stays on by itself, reset (inhibition) switches it off."""
NAMES_OF_TWO = {
    "0000": "0",
    "0001": "AND",
    "0010": "x1 and not x2",
    "0011": "x1",
    "0100": "x2 and not x1",
    "0101": "x2",
    "0110": "XOR",
    "0111": "OR",
    "1000": "NOR",
    "1001": "XNOR",
    "1010": "not x2",
    "1011": "x2 implies x1",
    "1100": "not x1",
    "1101": "x1 implies x2",
    "1110": "NAND",
    "1111": "1",
}


@dataclass(frozen=True)
class Config:
    """inputs: functions of 1 to so many inputs are counted. largest_weight: of the search. steps: of the memory, seed: of its inputs."""

    inputs: int = 4
    largest_weight: int = 3
    steps: int = 1000
    seed: int = 0

    @classmethod
    def smoke(cls) -> "Config":
        """The whole of it takes two seconds."""
        return cls(steps=60)


def main(config: Config = Config(), show: Show = ignore) -> Results:
    """Truth tables, the memory over time, and the two counts; everything here is exact."""
    counted = {n: count_functions(n, config.largest_weight) for n in range(1, config.inputs + 1)}
    inputs = np.random.default_rng(config.seed).random((config.steps, 2)) < 0.15
    states = run_circle(LATCH, inputs)
    show("threshold_units_nets", draw_nets())
    show("threshold_units_counts", draw_counts(counted, inputs[:60], states[:60]))
    return {
        "nets": {name: check_net(net, function) for name, (net, function) in NETS.items()},
        "memory": check_memory(inputs, states),
        "functions of one unit": {str(n): row for n, row in counted.items()},
        "functions of two inputs beyond one unit": {
            "proper": missing_of_two(proper_functions(2)),
            "weighted": missing_of_two(weighted_functions(2, config.largest_weight)),
        },
    }


def check_net(net: Net, function: Callable[..., bool]) -> Results:
    """The net's truth table beside the function's own."""
    table = truth_table(net)
    wanted = tuple(int(function(*map(bool, row))) for row in cube(len(net.inputs)))
    return {"layers": len(net.layers), "table": "".join(map(str, table)), "exact": table == wanted}


def check_memory(inputs: np.ndarray, states: np.ndarray) -> Results:
    """The latch against the rule in words: off on reset, else on if set, else as it was."""
    wanted, state = [], False
    for switched_on, switched_off in inputs:
        state = not switched_off and (bool(switched_on) or state)
        wanted.append(state)
    return {"steps": len(states), "share of steps on": float(states.mean()), "exact": bool((states == np.array(wanted)).all())}


def count_functions(n: int, largest_weight: int) -> Results:
    """How many of the 2^(2^n) Boolean functions one unit of either kind computes."""
    found, refuted = set(weighted_functions(n, largest_weight)), np.flatnonzero(refuted_functions(n))
    everything = found.isdisjoint(refuted.tolist()) and len(found) + len(refuted) == 2 ** (2**n)
    return {
        "all": 2 ** (2**n),
        "proper": len(proper_functions(n)),
        "proper, by formula": 1 + 2**n + n * 3 ** (n - 1),
        "weighted": len(found),
        "weighted, refuted": len(refuted),
        "found and refuted are all": everything,
    }


def proper_functions(n: int) -> list[int]:
    """The functions of n inputs that one unit proper computes, as numbers whose bit i is the value in row i of the cube."""
    units = [
        proper(n, threshold, excite=np.flatnonzero(np.equal(wiring, 1)), inhibit=np.flatnonzero(np.equal(wiring, 2)))
        for wiring in product(range(3), repeat=n)
        for threshold in range(n + 2)
    ]
    return functions_of(units, n)


def weighted_functions(n: int, largest: int) -> list[int]:
    """The functions that one unit with whole weights from -largest to largest computes."""
    weights = list(product(range(-largest, largest + 1), repeat=n))
    thresholds = range(-n * largest, n * largest + 2)
    return functions_of([Unit(tuple(map(float, row)), threshold) for row in weights for threshold in thresholds], n)


def functions_of(units: list[Unit], n: int) -> list[int]:
    """Distinct truth tables of many units: they are one wide layer, so one matrix product tries them all."""
    layer, params = build(Net(("",) * n, (tuple(units),)))
    outputs = np.asarray(layer.apply(params, jnp.asarray(cube(n)))).astype(np.int64)
    return np.unique((1 << np.arange(2**n)) @ outputs).tolist()


def refuted_functions(n: int) -> np.ndarray:
    """Which functions (2^(2^n),) are 1 in two rows and 0 in two rows of equal sum, and so of no single threshold unit."""
    rows = cube(n).astype(int)
    by_sum: dict[tuple[int, ...], list[int]] = {}
    for a, b in combinations_with_replacement(range(2**n), 2):
        by_sum.setdefault(tuple(rows[a] + rows[b]), []).append((1 << a) | (1 << b))
    tables = np.arange(2 ** (2**n), dtype=np.int64)
    refuted = np.zeros(len(tables), bool)
    for pairs in by_sum.values():
        for ones, zeros in product(pairs, repeat=2):
            refuted |= (ones & zeros == 0) & (tables & ones == ones) & (tables & zeros == 0)
    return refuted


def missing_of_two(functions: list[int]) -> list[str]:
    """Names of the functions of two inputs that are not in the list."""
    tables = {"".join(str(function >> row & 1) for row in range(4)) for function in functions}
    return [name for table, name in NAMES_OF_TWO.items() if table not in tables]


def draw_nets() -> Figure:
    """Every net with its truth table."""
    figure = Figure(figsize=(11, 8.4), layout="constrained")
    axes = figure.subplots(3, 3).ravel()
    for place, (name, (net, _)) in zip(axes, NETS.items(), strict=False):
        draw_net(place, net, name)
        rows = ["".join(map(str, row.astype(int))) for row in cube(len(net.inputs))]
        lines = [f"{row} → {value}" for row, value in zip(rows, truth_table(net), strict=True)]
        place.text(1.02, 0.5, "\n".join(lines), transform=place.transAxes, va="center", family="monospace", fontsize=9)
    draw_net(axes[-1], LATCH, "a memory: the circle", circle=True)
    note = "Numbers in circles: thresholds. Blue arrows excite with weight 1; red lines that end in a ring inhibit absolutely; "
    figure.supxlabel(note + "red arrows carry\nthe weight written on them. Tables: inputs → output.", fontsize=9)
    return figure


def draw_counts(counted: dict[int, Results], inputs: np.ndarray, states: np.ndarray) -> Figure:
    """Counts on a logarithmic scale, and the memory over time."""
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1.3, 1.5])
    kinds = {"all": (ORANGE, "all Boolean functions"), "weighted": (BLUE, "one weighted unit"), "proper": (GREEN, "one unit proper")}
    for offset, (kind, (colour, label)) in enumerate(kinds.items()):
        bars = left.bar(
            [n + 0.28 * (offset - 1) for n in counted], [row[kind] for row in counted.values()], 0.24, color=colour, label=label
        )
        left.bar_label(bars, fmt="{:,.0f}", fontsize=6.5, padding=1)
    left.set(yscale="log", ylim=(1, 4e5), xticks=list(counted), xlabel="inputs", ylabel="Boolean functions")
    left.legend(frameon=False, loc="upper left", fontsize=8)
    for height, (name, values, colour) in enumerate((("state", states, BLUE), ("reset", inputs[:, 1], RED), ("set", inputs[:, 0], GREEN))):
        right.step(np.arange(len(values)), 1.4 * height + np.asarray(values, float), where="post", color=colour)
        right.text(-1, 1.4 * height + 0.4, name, ha="right", va="center", color=colour)
    right.set(yticks=[], xlabel="time step", title="One unit that excites itself remembers", xlim=(-1, len(states)))
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    right.spines["left"].set_visible(False)
    return figure


if __name__ == "__main__":
    command_line(main, Config)
