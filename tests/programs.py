"""Programs in tests: compiled sooner, for they run once, and counted by JAX's own monitoring."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import jax

from jaxnn.compiling import COMPILED, RUNS_ONCE

TRACED = "/jax/core/compile/jaxpr_trace_duration"


def quick_jit(function: Callable[..., Any], **options: Any) -> Any:
    """``jax.jit`` that compiles in less than half the time and runs slower: most of what a test costs is compiling."""
    return jax.jit(function, compiler_options=RUNS_ONCE, **options)


@dataclass
class Events:
    """Counts by name: traced functions as they are called, compiled programs as ``jit(name)``."""

    traced: Counter[str] = field(default_factory=Counter)
    compiled: Counter[str] = field(default_factory=Counter)


@contextmanager
def watched() -> Iterator[Events]:
    """Counts traces and compilations of the block, those of other threads among them."""
    events = Events()

    def listen(event: str, seconds: float, **details: Any) -> None:
        del seconds
        if event == TRACED:
            events.traced[details["fun_name"]] += 1
        if event == COMPILED:
            events.compiled[details["fun_name"]] += 1

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield events
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
