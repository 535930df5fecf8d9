"""The report: safe whatever the data are called, whole on its own, and readable for sweeps of every kind."""

import ast
import base64
import dataclasses
import hashlib
import math
import re
import sys
import time
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

import jaxnn.reports
from jaxnn.reports import Dataset, Dimension, Report, Trial, render
from tests.report_samples import SPACE, diabetes, digits

VOID = {"meta", "br"}
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
UNPRINTABLE = "name\x00\ud800\u202e"


class Page(HTMLParser):
    """Reads a page strictly: every element must be closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.count: dict[str, int] = {}
        self.text: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.count[tag] = self.count.get(tag, 0) + 1
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.count[tag] = self.count.get(tag, 0) + 1

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.text.append(data)

    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def drawings(text: str) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL)]


def coordinates(svg: ElementTree.Element) -> list[tuple[float, float]]:
    """Every point that anything is drawn at."""
    found = []
    for element in svg.iter():
        if element.tag in ("text", "circle"):
            x, y = ("x", "y") if element.tag == "text" else ("cx", "cy")
            found.append((float(element.get(x)), float(element.get(y))))
        if element.tag == "line":
            found += [(float(element.get(f"x{end}")), float(element.get(f"y{end}"))) for end in "12"]
        if element.tag == "path":
            found += [(float(x), float(y)) for x, y in re.findall(r"[ML](\S+?) (\S+?)(?=[MLhm]|$)", element.get("d"))]
    return found


def with_trials(trials: list[Trial], **changes) -> Report:
    scored = [trial for trial in trials if trial.ranks]
    winner = max(scored, key=lambda trial: trial.score).number if scored else None
    return dataclasses.replace(digits(2), trials=trials, **{"winner": winner, **changes})


def with_scores(scores: list[float]) -> Report:
    run = digits(1).trials[0]
    return with_trials([dataclasses.replace(run, number=number, score=score) for number, score in enumerate(scores)])


def all_diverged() -> Report:
    trials = [Trial(number, "diverged", {"learning_rate": 10.0**number}, math.nan) for number in range(5)]
    return with_trials(trials, test_scores={}, recipe="", space={"learning_rate": Dimension("log", 1, 1e4)})


def nan_history() -> Report:
    curve = [math.nan, 1.0, math.inf, 0.5, math.nan]
    history = dict.fromkeys(("loss", "validation_loss", "validation_accuracy"), curve)
    return with_trials([Trial(number, "finished", {"dropout": 0.1 * number}, 0.5, 1.0, 5, 4, 0.1, history) for number in range(3)])


def empty() -> Report:
    return Report("empty", "today", Dataset("none", 0, 0, "regression", {}), "r2", [], {})


SAMPLES = {
    "digits": digits(),
    "regression": diabetes(),
    "one trial": digits(1),
    "two trials": digits(2),
    "one epoch": digits(8, epochs=1),
    "one hyperparameter": digits(30, {"learning_rate": SPACE["learning_rate"]}),
    "constant score": with_scores([0.5] * 9),
    "zero score": with_scores([0.0, 0.0, -0.0]),
    "extreme scores": with_scores([0.9, -1e308, 1e-320, 0.8, -1e250, 0.85]),
    "all diverged": all_diverged(),
    "nan history": nan_history(),
    "empty": empty(),
    "thousand": digits(1000),
    "thousand of many hyperparameters": digits(1000, {**SPACE, **{f"extra_{index}": Dimension("uniform", 0, 1) for index in range(14)}}),
}


@pytest.mark.parametrize("report", SAMPLES.values(), ids=SAMPLES.keys())
def test_every_page_is_well_formed_and_draws_inside_its_frames(report):
    text = render(report)
    assert Page(text).count["h1"] == 1
    for svg in drawings(text):
        width, height = map(float, svg.get("viewBox").split()[2:])
        assert svg.get("aria-label")
        assert all(-1 <= x <= width + 1 and -1 <= y <= height + 1 for x, y in coordinates(svg))


@pytest.mark.parametrize("report", SAMPLES.values(), ids=SAMPLES.keys())
def test_a_page_needs_nothing_beside_itself(report):
    text = render(report)
    page = Page(text)
    assert not {"src", "href", "srcset", "action", "data"} & page.attributes
    assert not {"link", "img", "iframe", "object", "image", "use"} & page.count.keys()
    assert "url(" not in text and "@import" not in text
    assert len(text.encode()) < 1_500_000


def test_the_policy_lets_exactly_the_page_s_own_script_run():
    text = render(digits(2))
    script = re.search(r"<script>(.*?)</script>", text, flags=re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src &#x27;sha256-{digest}&#x27;" in text
    assert "default-src &#x27;none&#x27;" in text


@pytest.mark.parametrize("name", [HOSTILE, UNPRINTABLE, "x" * 5000], ids=["markup", "unprintable", "long"])
def test_names_of_strangers_are_only_ever_text(name):
    runs = [
        Trial(n, "finished", {name: name if n % 2 else "other", "dropout": 0.1 * n}, 0.1 * n, 1.0, 3, 2, 1.0, {"loss": [2.0, 1.0, 0.5]})
        for n in range(9)
    ]
    report = Report(
        title=name,
        created=name,
        dataset=Dataset(name, 10, 2, name, {name: 10, "test": 3}, (name, "b")),
        metric=name,
        trials=runs,
        space={name: Dimension("choice", options=(name, "other")), "dropout": Dimension("uniform", 0, 1)},
        winner=8,
        test_scores={"winner": 0.9, name: 0.8},
        baselines={name: 0.1},
        seconds={name: 1.0, "total": 2.0},
        confusion=[[3, 2], [1, 4]],
        recipe=name,
        versions={name: name},
        model_path=name,
        notes=[name],
    )
    text = render(report)
    text.encode("utf-8")
    page = Page(text)
    assert page.count["script"] == 1 and "img" not in page.count and "onerror" not in page.attributes
    assert not any(mark in text for mark in "\x00\ud800\u202e")
    for svg in drawings(text):
        ElementTree.tostring(svg)


def test_the_first_thing_said_is_what_was_found():
    words = Page(render(digits())).words()
    assert "98.0 % and reaches 97.2 % on 360 test rows that took no part in choosing it." in words
    assert "97.2 % Test accuracy, winner ± 0.9 % standard error" in words
    assert "58 stopped early and 5 diverged" in words
    assert "jaxnn predict runs/digits/model.safetensors new.csv" in words
    assert "3 taken for 8 : 2 of 36" in words


def test_when_every_trial_diverged_the_page_says_what_to_try():
    words = Page(render(all_diverged())).words()
    assert "every one diverged" in words and "Lower learning rates" in words
    assert "jaxnn predict" not in words


def test_the_winner_comes_first_and_the_diverged_last():
    report = with_trials([*with_scores([0.1, 0.9, 0.9]).trials, Trial(3, "diverged", {}, 0.95)], winner=2)
    assert [trial.number for trial in report.ranked()] == [2, 1, 0, 3]


def test_a_few_terrible_scores_do_not_flatten_the_others():
    report = with_scores([0.90, 0.91, 0.92, 0.93, 0.94, 0.95, -1e6])
    chart = next(svg for svg in drawings(render(report)) if "Score of each trial" in svg.get("aria-label"))
    heights = {float(dot.get("cy")) for dot in chart.iter("circle")}
    assert max(heights) - min(heights) > 100
    assert "1 scored below the axis (triangles)." in Page(render(report)).words()


def test_an_option_may_be_none():
    runs = [Trial(number, "finished", {"dropout": (None, 0.5)[number % 2], "l2": 0.1 * number}, 0.1 * number) for number in range(6)]
    report = with_trials(runs, space={"dropout": Dimension("choice", options=(None, 0.5)), "l2": Dimension("uniform", 0, 1)})
    chart = next(svg for svg in drawings(render(report)) if svg.get("aria-label") == "Score against dropout")
    assert {"none", "0.5"} <= {element.text for element in chart.iter("text")}
    assert len(list(chart.iter("circle"))) == 6
    assert ">none</td>" in render(report)


def test_values_that_a_file_lost_are_dashes():
    lost = Trial(0, "finished", {"l2": 0.1}, 0.5, None, 3, None, None, {"loss": [2.0, None, 1.0]})
    assert ">–</td>" in render(with_trials([lost], space={}))


def test_a_metric_without_history_shows_the_losses_of_the_best():
    labels = [svg.get("aria-label") for svg in drawings(render(diabetes()))]
    assert "validation loss of the best 8 trials by epoch" in labels


def test_only_the_top_of_the_leaderboard_is_in_view():
    top, rest = re.findall(r"<tbody>.*?</tbody>", render(digits(64)).split("Leaderboard")[1], flags=re.DOTALL)
    assert (top.count("<tr"), rest.count("<tr")) == (20, 44)


def test_many_classes_are_told_by_their_worst_pairs():
    classes = tuple(f"class {index}" for index in range(60))
    counts = [[9 if i == j else 4 if (i, j) == (7, 11) else 0 for j in range(60)] for i in range(60)]
    report = dataclasses.replace(digits(2), dataset=dataclasses.replace(digits(2).dataset, classes=classes), confusion=counts)
    page = Page(render(report))
    assert "class 7 taken for class 11 : 4 of 13" in page.words()
    assert 'class="confusion"' not in render(report)


def test_rendering_is_a_small_part_of_a_sweep():
    report = digits(64)
    times = []
    for _ in range(10):
        start = time.perf_counter()
        render(report)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.05


def test_the_report_imports_nothing_but_python_itself():
    for file in Path(jaxnn.reports.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            assert all(name.startswith("jaxnn.reports") or name.split(".")[0] in sys.stdlib_module_names for name in names), file
