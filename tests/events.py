"""What JAX traced and compiled meanwhile, by function name, from JAX's own monitoring."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import jax

TRACED, COMPILED = "/jax/core/compile/jaxpr_trace_duration", "/jax/core/compile/backend_compile_duration"


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
