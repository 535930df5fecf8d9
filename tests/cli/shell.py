"""The command line as a user meets it: a new process, its exit code and what it prints."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Answer:
    """What a command left: exit code, standard output and error."""

    code: int
    out: str
    err: str


def jaxnn(*arguments: str, folder: Path, **environment: str) -> Answer:
    """Runs `jaxnn arguments` in that folder. Warnings of Python are errors there too."""
    command = [sys.executable, "-W", "error::UserWarning", "-m", "jaxnn", *arguments]
    done = subprocess.run(command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, timeout=300)
    return Answer(done.returncode, done.stdout, done.stderr)


def refused(*arguments: str, folder: Path) -> str:
    """The one sentence of a command that must be refused: exit code 2, no traceback, nothing written, nothing compiled."""
    before = sorted(folder.rglob("*"))
    answer = jaxnn(*arguments, folder=folder, JAX_LOG_COMPILES="1")
    assert answer.code == 2, answer
    assert "Traceback" not in answer.err
    assert "Finished XLA compilation" not in answer.err, "something was compiled before the refusal"
    assert sorted(folder.rglob("*")) == before, "something was written before the refusal"
    return answer.err


def write_table(path: Path, header: str, rows: list[str]) -> None:
    """A CSV file."""
    path.write_text("\n".join([header, *rows]) + "\n")
