"""One small trained run and one folder of tables, shared by all tests of the command line."""

import random
from pathlib import Path

import pytest

from tests.cli.shell import jaxnn, write_table


def people(rows: int) -> list[str]:
    """size, hue and class: class b is larger, and hue says a little."""
    draw = random.Random(0)
    return [f"{draw.gauss(2 * (i % 2), 1):.4f},{draw.choice(['red', 'blue'])},{'ab'[i % 2]}" for i in range(rows)]


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a good table, ok.csv, and bad ones named by what is wrong with them."""
    folder = tmp_path_factory.mktemp("tables")
    rows = people(120)
    write_table(folder / "ok.csv", "size,hue,y", rows)
    write_table(folder / "missing.csv", "size,hue,y", [",red,a", ",blue,b", *rows])
    write_table(folder / "infinite.csv", "size,hue,y", ["inf,red,a", *rows])
    write_table(folder / "one_class.csv", "size,hue,y", [row[:-1] + "a" for row in rows])
    write_table(folder / "rare_class.csv", "size,hue,y", [*rows, "1,red,c"])
    write_table(folder / "header_only.csv", "size,hue,y", [])
    (folder / "empty.csv").write_text("")
    return folder


@pytest.fixture(scope="session")
def trained(tables: Path) -> Path:
    """The run folder of a short sweep over ok.csv."""
    out = tables.parent / "trained"
    options = ("--trials", "3", "--epochs", "4", "--width", "8", "--depth", "1", "--out", str(out), "--name", "first")
    answer = jaxnn("sweep", "ok.csv", "--target", "y", *options, folder=tables)
    assert answer.code == 0, answer
    return out / "first"
