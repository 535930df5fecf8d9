"""25 kills at random moments, most of them during a write, and nothing is lost; ``python -m tests.kill --kills 500`` for more."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_a_run_that_is_killed_25_times_loses_nothing():
    command = [sys.executable, "-m", "tests.kill", "--kills", "25"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent.parent, timeout=600)
    assert done.returncode == 0, done.stderr
    assert "0 states lost" in done.stdout
