"""Whole process against whole process: `jaxnn sweep digits --trials 64` and scikit-learn's RandomizedSearchCV doing the same work.

The same work: scikit-learn gets the very trials of the sweep (widths, depth, learning rate, L2 and the epochs that each ran,
from trials.csv), the same batch size and number of training rows, one validation split, and all cores.
"""

import os
import statistics
import sys
import tempfile
from pathlib import Path

from experiments.benchmarks import timing

SKLEARN = """
import csv, sys, warnings
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import PredefinedSplit, RandomizedSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
warnings.filterwarnings("ignore")
trials = list(csv.DictReader(open(sys.argv[1])))
x, y = load_digits(return_X_y=True)
x, x_test, y, y_test = train_test_split(x, y, test_size=0.2, stratify=y, random_state=0)
train, validation = train_test_split(np.arange(len(y)), test_size=0.2, stratify=y, random_state=0)
x = StandardScaler().fit(x[train]).transform(x)
fold = np.full(len(y), -1)
fold[validation] = 0
space = [
    {
        "hidden_layer_sizes": [(int(t["width"]),) * int(t.get("depth", 2))],
        "learning_rate_init": [float(t["learning_rate"])],
        "alpha": [2 * len(train) * float(t["l2"])],
        "max_iter": [int(t["epochs"])],
    }
    for t in trials
]
model = MLPClassifier(batch_size=32, n_iter_no_change=1000, random_state=0)
search = RandomizedSearchCV(model, space, n_iter=len(space), cv=PredefinedSplit(fold), n_jobs=-1, refit=False, random_state=0)
search.fit(x, y)
print(len(search.cv_results_["params"]), search.best_score_)
"""


def measure(*, smoke: bool) -> dict[str, float]:
    """Medians in seconds of whole processes, taking turns, and ratios."""
    trials = 4 if smoke else 64
    seconds: dict[str, list[float]] = {"cold": [], "warm": [], "scikit-learn": []}
    for _ in range(1 if smoke else 5):
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "JAXNN_CACHE_DIR": str(Path(folder) / "cache")}
            command = [sys.executable, "-m", "jaxnn", "sweep", "digits", "--trials", str(trials)]
            seconds["cold"].append(timing.process_seconds(command, environment, folder))
            seconds["warm"].append(timing.process_seconds(command, environment, folder))
            search = [sys.executable, "-c", SKLEARN, str(Path(folder) / "runs" / "digits" / "trials.csv")]
            seconds["scikit-learn"].append(timing.process_seconds(search, environment, folder))
    medians = {f"{name}, whole process (s)": statistics.median(values) for name, values in seconds.items()}
    return {
        **medians,
        "scikit-learn / jaxnn sweep, empty cache (above 1)": timing.ratio(seconds, "scikit-learn", "cold"),
        "scikit-learn / jaxnn sweep, second run (at least 5)": timing.ratio(seconds, "scikit-learn", "warm"),
    }
