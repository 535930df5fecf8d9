"""Made-up sweeps that look like real ones, for the tests of the report and for looking at it.

`python -m tests.report_samples FOLDER` writes a few as HTML.
"""

import math
import random
import sys
from pathlib import Path

from jaxnn.reports import Dataset, Dimension, Report, Trial, render

SPACE = {
    "learning_rate": Dimension("log", 1e-4, 1.0),
    "l2": Dimension("log", 1e-6, 1e-1),
    "dropout": Dimension("uniform", 0.0, 0.5),
    "width": Dimension("choice", options=(16, 32, 64, 128)),
    "layers": Dimension("integer", 1, 3),
    "activation": Dimension("choice", options=("relu", "tanh", "gelu")),
}
DIGITS = Dataset("digits", 1797, 64, "multiclass", {"train": 1149, "validation": 288, "test": 360}, tuple("0123456789"))


def trial(number: int, chance: random.Random, space: dict[str, Dimension] = SPACE, epochs: int = 50) -> Trial:
    """A run that learns best near a learning rate of 0.01, and diverges far above it."""
    chosen = {name: draw(dimension, chance) for name, dimension in space.items()}
    rate = chosen.get("learning_rate", 0.01)
    if rate > 0.4 and chance.random() < 0.8:
        return Trial(number, "diverged", chosen, math.nan, math.nan, 2, None, 0.03, {"loss": [2.3, 40.0, math.nan]})
    gap = 0.02 * (math.log10(rate) + 2) ** 2 + 0.06 * chosen.get("dropout", 0.1) ** 2 + chance.uniform(0, 0.015)
    score = max(0.1, 0.985 - gap - (0.01 if chosen.get("activation") == "tanh" else 0))
    stop = chance.randint(epochs // 3, epochs) if epochs > 3 else epochs
    history = curves(score, rate, stop, chance)
    status = "stopped early" if stop < epochs else "finished"
    best = 1 + min(range(stop), key=lambda epoch: history["validation_loss"][epoch])
    return Trial(number, status, chosen, score, 1.4 * (1 - score) + 0.05, stop, best, 0.02 * stop / 10, history)


def curves(score: float, rate: float, epochs: int, chance: random.Random) -> dict[str, list[float]]:
    pace = 2.0 / (1 + rate * 100)
    floor = 1.4 * (1 - score) + 0.05
    fall = [math.exp(-(epoch + 1) / (3 + 10 * pace)) for epoch in range(epochs)]
    loss = [0.004 + floor * 0.2 + 2.3 * part**1.4 for part in fall]
    validation = [floor + 2.2 * part + 0.0025 * epoch + chance.gauss(0, 0.006) for epoch, part in enumerate(fall)]
    accuracy = [score * (1 - 0.85 * part) + chance.gauss(0, 0.003) for part in fall]
    return {"loss": loss, "validation_loss": validation, "validation_accuracy": accuracy}


def draw(dimension: Dimension, chance: random.Random) -> float | int | str:
    if dimension.kind == "choice":
        return chance.choice(dimension.options)
    if dimension.kind == "log":
        return math.exp(chance.uniform(math.log(dimension.low), math.log(dimension.high)))
    return chance.randint(dimension.low, dimension.high) if dimension.kind == "integer" else chance.uniform(dimension.low, dimension.high)


def digits(trials: int = 64, space: dict[str, Dimension] = SPACE, epochs: int = 50) -> Report:
    """A sweep over digits."""
    chance = random.Random(7)
    runs = [trial(number, chance, space, epochs) for number in range(1, trials + 1)]
    best = max((run for run in runs if run.ranks), key=lambda run: run.score, default=None)
    return Report(
        title="Sweep of digits",
        created="2025-11-22 17:36",
        dataset=DIGITS,
        metric="accuracy",
        trials=runs,
        space=space,
        winner=best.number if best else None,
        test_scores={"winner": 0.9722, "ensemble of 5": 0.9806} if best else {},
        baselines={"majority class": 0.1011},
        seconds={"compile": 1.14, "run": 2.31, "total": 4.9},
        confusion=[[36 - 2 * (i in (3, 8)) if i == j else 2 * ((i, j) in ((3, 8), (8, 1))) for j in range(10)] for i in range(10)],
        recipe=RECIPE,
        versions={"jaxnn": "0.1.0", "jax": "0.10.2", "optax": "0.2.8", "python": "3.11.7"},
        model_path="runs/digits/model.safetensors",
    )


RECIPE = """Recipe(
    Classification(models.mlp((64, 64), 10, activation="gelu", dropout=0.11)),
    optimizer(optax.adamw, learning_rate=0.0093, weight_decay=1.2e-05),
    epochs=50,
    batch_size=32,
    early_stopping=EarlyStopping(patience=5),
)"""


def diabetes() -> Report:
    """A regression whose worst trials are very bad, with long names and one diverged run in three."""
    chance = random.Random(3)
    space = {
        "learning_rate": Dimension("log", 1e-3, 2.0),
        "a_hyperparameter_with_a_long_name": Dimension("choice", options=("first option", "x" * 60)),
    }
    runs = [trial(number, chance, space) for number in range(40)]
    runs = [
        r if i % 7 else Trial(r.number, "finished", r.hyperparameters, -(10.0 ** (i + 1)), 9.0, 50, 50, 1.0) for i, r in enumerate(runs)
    ]
    best = max((run for run in runs if run.ranks), key=lambda run: run.score)
    pairs = [(t := chance.uniform(25, 340), 152 + 0.6 * (t - 152) + chance.gauss(0, 35)) for _ in range(89)]
    data = Dataset("diabetes", 442, 10, "regression", {"train": 282, "validation": 71, "test": 89})
    return Report(
        title="Sweep of diabetes",
        created="2025-11-22 18:02",
        dataset=data,
        metric="r2",
        trials=runs,
        space=space,
        winner=best.number,
        test_scores={"winner": 0.4471},
        baselines={"mean": -0.003},
        predictions=pairs,
    )


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    wide = {**SPACE, **{f"extra_{index}": Dimension("uniform", 0.0, 1.0) for index in range(8)}}
    samples = {
        "digits": digits(),
        "diabetes": diabetes(),
        "one": digits(1),
        "thousand": digits(1000),
        "single": digits(30, {"learning_rate": SPACE["learning_rate"]}),
        "wide": digits(200, wide),
    }
    for name, report in samples.items():
        (folder / f"{name}.html").write_text(render(report), encoding="utf-8")
