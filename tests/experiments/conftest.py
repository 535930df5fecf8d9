"""No larger data sets: what an experiment does without them."""

from collections.abc import Iterator

import pytest


@pytest.fixture
def no_data_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("JAXNN_DATA", raising=False)
    yield
