"""Mistakes of a user: one clear sentence, exit code 2, nothing compiled, nothing written."""

from pathlib import Path

import pytest

from tests.cli.shell import jaxnn, refused

MISTAKES = [
    (("sweep", "digts"), "'digts' is neither a bundled data set nor a file. Did you mean digits"),
    (("sweep", "absent.csv", "--target", "y"), "There is no file 'absent.csv'"),
    (("sweep", "ok.csv"), "ok.csv needs --target, the name of the column to learn"),
    (("sweep", "ok.csv", "--target", "ys"), "ok.csv has no column 'ys' for --target. Did you mean y?"),
    (("sweep", "empty.csv", "--target", "y"), "empty.csv is empty"),
    (("sweep", "header_only.csv", "--target", "y"), "column names but no rows"),
    (("sweep", "missing.csv", "--target", "y"), "missing values in 1 column: 'size' (2 rows). Fill these in, or let --impute do it."),
    (("sweep", "infinite.csv", "--target", "y"), "infinity in 1 column: 'size' (1 row)"),
    (("sweep", "one_class.csv", "--target", "y"), "has one class only, 'a'"),
    (("sweep", "rare_class.csv", "--target", "y"), "too few of: 'c' (1)"),
    (("sweep", "ok.csv", "--target", "y", "--task", "regression"), "holds text such as"),
    (("sweep", "iris", "--learning-rate=-1"), "--learning-rate must be in [0, inf), got -1.0"),
    (("sweep", "iris", "--learning-rate", "1:0.1"), "--learning-rate must be a range low:high, got '1:0.1'"),
    (("sweep", "iris", "--width", "32,0"), "--width must be in [1, inf), got 0"),
    (("sweep", "iris", "--width", "wide"), "--width must be a value, a range low:high or a choice a,b,c, got 'wide'"),
    (("sweep", "iris", "--dropout", "0:1.5"), "--dropout must be in [0, 1), got 1.5"),
    (("sweep", "iris", "--activation", "relo"), "no function is called 'relo'. Did you mean relu"),
    (("sweep", "iris", "--learning-rate", "none"), "--learning-rate must be"),
    (("sweep", "iris", "--trials", "0"), "'--trials'"),
    (("sweep", "iris", "--epochs", "0"), "'--epochs'"),
    (("sweep", "iris", "--out", "ok.csv"), "ok.csv"),
    (("sweep", "iris", "--out", "ok.csv/deeper"), "ok.csv"),
    (("sweep", "iris", "--name", "../up"), "--name must be a plain folder name, got '../up'"),
    (("fit", "iris", "--width", "8,16"), "width has several values. Use jaxnn sweep for that."),
    (("swep", "iris"), "No such command 'swep'"),
]


@pytest.mark.parametrize(("arguments", "sentence"), MISTAKES, ids=[" ".join(arguments) for arguments, _ in MISTAKES])
def test_a_mistake_is_told_in_one_sentence(tables: Path, arguments: tuple[str, ...], sentence: str) -> None:
    assert sentence in refused(*arguments, folder=tables)


def test_a_mistake_of_ours_exits_with_one_and_its_traceback(tables: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import jaxnn.cli.study as s\ndef broken(*a, **k): raise RuntimeError('ours')\ns.prepare = broken\n"
    )
    answer = jaxnn("sweep", "iris", folder=tables, PYTHONPATH=str(tmp_path))
    assert answer.code == 1
    assert "RuntimeError: ours" in answer.err
