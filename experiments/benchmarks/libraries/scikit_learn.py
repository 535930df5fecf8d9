"""scikit-learn: MLPClassifier, its stopping rule off."""

from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.utils._testing import ignore_warnings

from experiments.benchmarks.whole_run import LEARNING_RATE, Work
from experiments.benchmarks.workload import Train


def train(work: Work) -> Train:
    """W2."""

    @ignore_warnings(category=ConvergenceWarning)
    def run(seed: int) -> None:
        model = MLPClassifier(
            (256, 128),
            batch_size=work.batch,
            max_iter=work.epochs,
            learning_rate_init=LEARNING_RATE,
            alpha=0.0,
            n_iter_no_change=work.epochs + 1,
            random_state=seed,
        )
        model.fit(work.x, work.y)

    return run
