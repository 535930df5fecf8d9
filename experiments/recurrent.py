"""What do recurrent networks learn from sequences: sines, a network's traffic, text, and two numbers far apart?

Simple RNN, GRU and LSTM of one layer, by the hand-written rules. Each part has data of its own kind; the learning rate is chosen for each
cell by mean validation loss over the seeds, each run ends with the parameters of its best epoch by validation loss, and steps or
rows held out are used once.

Sines: three of periods that have no common multiple, and noise. Networks learn the next step from the 32 before it, and then forecast on
from their own forecasts. Beside them: linear forecasts from 4 and from 32 steps, for a sum of three sines without noise is exactly linear
in 6 steps before, and that no step changes.

Traffic: ``experiments.support.traffic``; one network for all flows, told which it reads. With so few steps, dropout, learning rate and
number of epochs are chosen on the last quarter of the first three, then networks are trained anew on all three, and the last quarter is
forecast one step ahead by each seed and by their mean. Without traffic.npz the flows are made up.

Text: sentences of ``experiments.support.grammar``, whose entropy is known, against n-grams. Each character counted has half a row at
least before it. What the networks write is checked against the grammar.

Adding (Hochreiter and Schmidhuber 1997): numbers between 0 and 1, two of them marked, one in each half; the sum of these two is to be
said at the end. Saying 1 always has a mean squared error of 1/6.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.support import grammar, recurrent_figures, sequences, traffic
from experiments.support.runner import Results, Show, command_line, data_folder, ignore, mean_sd
from jaxnn import EarlyStopping, Recipe, Regression, Run, fit_many, models, optimizer
from jaxnn.data import windows
from jaxnn.tasks import NextToken, Task
from jaxnn.tasks.sequences import generate

CELLS = {"simple RNN": "simple", "GRU": "gru", "LSTM": "lstm"}
SAMPLES = 32


@dataclass(frozen=True)
class Training:
    """Units of the one recurrent layer, passes, rows of a step, rates to choose from."""

    units: int
    epochs: int
    batch_size: int
    learning_rates: tuple[float, ...]


@dataclass(frozen=True)
class Config:
    """steps: of the sines, three fifths to train on. length: of windows. characters: of the text to learn. data: traffic.npz's folder."""

    seeds: int = 5
    cells: tuple[str, ...] = ("simple RNN", "GRU", "LSTM")
    periods: tuple[float, ...] = (7.3, 19.1, 53.7)
    noise: float = 0.1
    steps: int = 1500
    window: int = 32
    ahead: int = 100
    sines: Training = Training(32, 40, 32, (0.003, 0.01))
    traffic: Training = Training(16, 60, 64, (0.001, 0.003))
    traffic_length: int = 12
    traffic_seeds: int = 10
    dropouts: tuple[float, ...] = (0.1, 0.3)
    characters: int = 60_000
    row: int = 80
    text: Training = Training(64, 30, 16, (0.003, 0.01))
    orders: tuple[int, ...] = (1, 2, 3, 4, 6, 8, 10, 12)
    adding_length: int = 50
    adding_rows: int = 8000
    adding: Training = Training(32, 20, 64, (0.003, 0.01))
    data: str | None = None

    @classmethod
    def smoke(cls) -> "Config":
        """One cell, short series and texts, few units and epochs, one rate, one seed or two."""
        return cls(
            seeds=1,
            cells=("LSTM",),
            steps=400,
            window=16,
            ahead=10,
            sines=Training(16, 10, 16, (0.01,)),
            traffic=Training(8, 6, 32, (0.01,)),
            traffic_seeds=2,
            dropouts=(0.1,),
            characters=6000,
            row=40,
            text=Training(24, 6, 8, (0.02,)),
            orders=(1, 3, 6),
            adding_length=10,
            adding_rows=1500,
            adding=Training(16, 12, 32, (0.02,)),
        )


class Chosen(NamedTuple):
    """The runs (seeds) at the learning rate with the lowest mean validation loss."""

    learning_rate: float
    runs: list[Run]


def main(config: Config = Config(), show: Show = ignore) -> Results:
    """Errors of the three cells beside those of what they must beat, part by part."""
    return {
        "sines": sines(config, show),
        "traffic": forecast_traffic(config, show),
        "text": text(config, show),
        "adding": adding(config, show),
    }


def train(tasks: dict[str, Task], data: Any, validation: Any, size: Training, seeds: int) -> dict[str, Chosen]:
    """All tasks at all rates with all seeds in one population, then for each the rate that validates best."""
    recipes = [recipe(task, size, rate) for task in tasks.values() for rate in size.learning_rates]
    runs = fit_many(recipes, data, validation=validation, seeds=seeds)
    groups = np.arange(len(runs)).reshape(len(tasks), len(size.learning_rates), seeds)
    chosen = {}
    for name, group in zip(tasks, groups, strict=True):
        by_rate = [[runs[i] for i in of_rate] for of_rate in group]
        best = int(np.argmin([np.mean([run.history["validation_loss"][run.best_epoch - 1] for run in runs]) for runs in by_rate]))
        chosen[name] = Chosen(size.learning_rates[best], by_rate[best])
    return chosen


def recipe(task: Task, size: Training, learning_rate: float) -> Recipe:
    """Adam; the patience lets every run spend the whole budget, and the best epoch's parameters are kept."""
    return Recipe(
        task,
        optimizer(optax.adam, learning_rate=learning_rate),
        epochs=size.epochs,
        batch_size=size.batch_size,
        early_stopping=EarlyStopping(patience=size.epochs),
        gradients="backprop",
    )


def regressions(size: Training, config: Config) -> dict[str, Task]:
    """One number from each sequence, a task for each cell."""
    return {name: Regression(models.rnn((size.units,), 1, cell=CELLS[name])) for name in config.cells}


def sines(config: Config, show: Show) -> Results:
    """Errors one step ahead and many steps ahead."""
    series = sequences.mixture(config.periods, config.steps, config.noise)
    cuts = int(0.6 * config.steps), int(0.8 * config.steps)
    data, validation = (windows(part, config.window) for part in (series[: cuts[0]], series[cuts[0] : cuts[1]]))
    chosen = train(regressions(config.sines, config), data, validation, config.sines, config.seeds)
    futures, truth = windows(series[cuts[1] :], config.window, horizon=config.ahead)
    forecasts: dict[str, list[np.ndarray]] = {
        "persistence": [np.repeat(futures[:, -1], config.ahead, axis=1)],
        **{f"linear, {lags} steps": [sequences.linear(data, futures, lags, config.ahead)] for lags in (4, config.window)},
        **{name: [sequences.roll(run.predict, futures, config.ahead) for run in best.runs] for name, best in chosen.items()},
    }
    errors = {name: np.sqrt(np.mean(np.square(np.array(group) - truth), axis=1)) for name, group in forecasts.items()}
    show("recurrent_sines", recurrent_figures.sines(series, cuts[1] + config.window, forecasts, errors, config.noise))
    return {
        name: {"steps ahead: RMSE": {str(ahead): mean_sd(by_step[:, ahead - 1]) for ahead in sorted({1, 10, config.ahead})}}
        | ({"learning rate": chosen[name].learning_rate} if name in chosen else {})
        for name, by_step in errors.items()
    }


def forecast_traffic(config: Config, show: Show) -> Results:
    """Mean squared errors one step ahead, of each seed, of the mean of their forecasts, and of what must be beaten."""
    name, split = traffic.read(data_folder(config.data), config.steps)
    baselines = traffic.baselines(split.values, split.test)
    results: Results = {"data": f"{name}, {split.values.shape[0]} x {split.values.shape[1]}", "baselines": _with_root(baselines)}
    truth, forecasts = split.values[split.test :], {}
    for cell in config.cells:
        settings, epochs = choose_traffic(cell, split, config)
        forecasts[cell] = forecast(cell, split, settings, epochs, config)
        each, mean = [traffic.mean_squared(one, truth) for one in forecasts[cell]], forecasts[cell].mean(axis=0)
        results[cell] = {
            "dropout, learning rate, epochs": [*settings, epochs],
            "MSE": mean_sd(each),
            "RMSE": mean_sd(np.sqrt(each)),
            "mean of the seeds": _with_root({"forecast": traffic.mean_squared(mean, truth)})["forecast"],
        }
    show("recurrent_traffic", recurrent_figures.traffic(name, split, baselines, forecasts))
    return results


def choose_traffic(cell: str, split: traffic.Split, config: Config) -> tuple[tuple[float, float], int]:
    """Dropout and learning rate, and the number of epochs, where the validation loss, mean over the seeds, is lowest."""
    read = traffic.pieces(split.values[: split.test], config.traffic_length, split.validation)
    settings = [(dropout, rate) for dropout in config.dropouts for rate in config.traffic.learning_rates]
    recipes = [traffic_recipe(cell, *setting, config.traffic.epochs, config) for setting in settings]
    data, validation = read.rows(1, split.validation), read.rows(split.validation, split.test)
    runs = fit_many(recipes, data, validation=validation, seeds=config.seeds)
    losses = np.reshape([run.history["validation_loss"] for run in runs], (len(settings), config.seeds, -1)).mean(axis=1)
    setting, epoch = np.unravel_index(np.argmin(losses), losses.shape)
    return settings[setting], int(epoch) + 1


def forecast(cell: str, split: traffic.Split, settings: tuple[float, float], epochs: int, config: Config) -> np.ndarray:
    """Forecasts (seeds, steps, flows) of the steps held out, by networks trained on all before them."""
    read = traffic.pieces(split.values, config.traffic_length, split.test)
    recipes = [traffic_recipe(cell, *settings, epochs, config)]
    runs = fit_many(recipes, read.rows(1, split.test), seeds=config.traffic_seeds)
    x, _ = read.rows(split.test, len(split.values))
    return np.array([read.forecast(run.predict(x)) for run in runs])


def traffic_recipe(cell: str, dropout: float, learning_rate: float, epochs: int, config: Config) -> Recipe:
    """Adam with weight decay."""
    network = models.rnn((config.traffic.units,), 1, cell=CELLS[cell], dropout=dropout)
    adam = optimizer(optax.adamw, learning_rate=learning_rate, weight_decay=0.01)
    return Recipe(Regression(network), adam, epochs=epochs, batch_size=config.traffic.batch_size, gradients="backprop")


def _with_root(errors: dict[str, float]) -> Results:
    return {name: {"MSE": error, "RMSE": float(np.sqrt(error))} for name, error in errors.items()}


def text(config: Config, show: Show) -> Results:
    """Bits per character on sentences held out, of n-grams, cells, and the grammar; samples, and how many of them are sentences."""
    parts = [grammar.sentences(size, seed) for seed, size in enumerate((config.characters, config.characters // 6, config.characters // 4))]
    train_text, validation_text, test_text = ("".join(part) for part in parts)
    alphabet = "".join(sorted(set(train_text)))
    data, validation, test = (
        characters(part, alphabet, config.row, config.row // step) for part, step in ((train_text, 1), (validation_text, 1), (test_text, 2))
    )
    tasks: dict[str, Task] = {
        name: NextToken(
            models.rnn((config.text.units,), len(alphabet), cell=CELLS[name], tokens=len(alphabet), embedding=16, returns="all")
        )
        for name in config.cells
    }
    chosen = train(tasks, (data, None), (validation, None), config.text, config.seeds)
    counted = len(test) * (config.row - config.row // 2)
    start = config.row // 2
    n_grams = {order: grammar.NGram(order, train_text, alphabet) for order in config.orders}
    results: Results = {
        "entropy of the sentences held out": grammar.entropy(parts[2]),
        "characters": {"to learn": len(train_text), "counted": counted, "different": len(alphabet)},
        "n-grams": {str(n): model.bits_per_character(test_text[start : start + counted]) for n, model in n_grams.items()},
    }
    best = n_grams[int(min(results["n-grams"], key=results["n-grams"].get))]
    samples = {f"{best.order}-gram": [best.sample(2 * config.row, seed) for seed in range(SAMPLES)]}
    for name, runs in ((name, best.runs) for name, best in chosen.items()):
        results[name] = {"learning rate": chosen[name].learning_rate} | mean_sd(bits_per_character(run, test) for run in runs)
        samples[name] = write(runs[0], alphabet, config)
    results["samples"] = {name: rows[:3] for name, rows in samples.items()}
    results["share of samples that are sentences"] = {name: grammar.share(rows) for name, rows in samples.items()}
    show("recurrent_text", recurrent_figures.text(results, config.cells, {name: best.runs for name, best in chosen.items()}))
    return results


def characters(written: str, alphabet: str, row: int, stride: int) -> np.ndarray:
    """Numbers of the characters in rows of equal length (rows, row)."""
    numbers = np.array([alphabet.index(character) for character in written], np.int32)
    return np.lib.stride_tricks.sliding_window_view(numbers, row)[::stride].copy()


def bits_per_character(run: Run, rows: np.ndarray) -> float:
    """Over the second half of each row; rows begin half a row after one another, so that each character counts once."""
    half = rows.shape[1] // 2
    p = np.take_along_axis(run.predict(rows)[:, half - 1 : -1], rows[:, half:, None], axis=2)
    return float(-np.log2(p.astype(float)).mean())


def write(run: Run, alphabet: str, config: Config) -> list[str]:
    """Texts begun behind the end of a sentence."""
    prompt = jnp.tile(jnp.array([[alphabet.index("."), alphabet.index(" ")]], jnp.int32), (SAMPLES, 1))
    assert isinstance(run.recipe.task, NextToken)
    rows = generate(run.recipe.task, run.params, prompt, steps=2 * config.row, key=jax.random.key(0))
    return ["".join(alphabet[number] for number in row[2:]) for row in np.asarray(rows)]


def adding(config: Config, show: Show) -> Results:
    """Mean squared errors on sums held out."""
    data, validation, test = (
        sequences.marked(rows, config.adding_length, seed) for seed, rows in enumerate((config.adding_rows, 1000, 2000))
    )
    chosen = train(regressions(config.adding, config), data, validation, config.adding, config.seeds)
    show("recurrent_adding", recurrent_figures.adding({name: best.runs for name, best in chosen.items()}, config.adding_length))
    results: Results = {"always 1": float(np.mean(np.square(test[1] - 1)))}
    for name, best in chosen.items():
        errors = [float(np.mean(np.square(run.predict(test[0]) - test[1]))) for run in best.runs]
        results[name] = {
            "learning rate": best.learning_rate,
            "MSE": mean_sd(errors),
            "seeds that solve it (MSE < 0.01)": sum(e < 0.01 for e in errors),
        }
    return results


if __name__ == "__main__":
    command_line(main, Config)
