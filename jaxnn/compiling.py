"""How programs are compiled: options per backend, and the cache that outlives the process.

Measured on 2 CPU cores: the training loop at optimisation level 1 compiles up to 35 % sooner than at the default and runs as
fast; at level 0 it runs three times slower, and without XLA's fusion emitters it compiles in 0.6 of the time but runs 1.4 times
slower. The library that XLA hands convolutions to by default runs them on one core, its older one on all: 0.75 of the time of an
epoch of a LeNet, equal processor time; so products and sums alone stay with the first. The initialiser runs once, so it takes both
of what compiles sooner: 0.18 s of processor time in place of 0.50.
"""

import functools
import gc
import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jax

THREAD_SETTINGS = ("enable_x64", "numpy_dtype_promotion", "default_matmul_precision")
COMPILED = "/jax/core/compile/backend_compile_duration"
"""JAX's own event: a program has been compiled, or loaded from the cache."""
MOST_MAPPED, LOOK_EVERY = 40_000, 10
"""Pieces of mapped memory past which programs are let go of, and after how many new programs they are counted."""

TRAINING: dict[str, int | bool | str] = {"xla_backend_optimization_level": 1}
RUNS_ONCE: dict[str, int | bool | str] = {"xla_backend_optimization_level": 0}
if jax.__version_info__ < (0, 11):  # an unknown option is refused, and there is none of this name in every release
    TRAINING["xla_cpu_experimental_ynn_fusion_type"] = "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT,LIBRARY_FUSION_TYPE_REDUCE"
if jax.__version_info__ < (0, 12):
    RUNS_ONCE["xla_cpu_use_fusion_emitters"] = False  # later releases have no other way of emitting, and refuse the option


@functools.cache
def compiled(function: Callable[..., Any], *, once: bool = False, static: tuple[str, ...] = ()) -> Any:
    """``jax.jit(function)`` with the options that suit the backend, the same object for the same arguments.

    once: the program runs once in a run, so on CPU it is compiled as fast as can be; accelerators keep their own options.
    """
    options = (RUNS_ONCE if once else TRAINING) if jax.default_backend() == "cpu" else None
    return jax.jit(function, static_argnames=static, compiler_options=options)


class _Programs:
    """How many this process has compiled, and how many of them ``make_room`` has seen."""

    made, seen = 0, 0


def _count(event: str, duration_secs: float, **details: Any) -> None:
    del duration_secs, details
    _Programs.made += event == COMPILED


jax.monitoring.register_event_duration_secs_listener(_count)


def make_room() -> None:
    """Lets go of all compiled programs where they map nearly as many pieces of memory as Linux gives a process.

    The two programs of a small network's run map some 300 pieces. Past 65,530 none is given, and the process dies compiling: after 200
    structures. What is wanted again compiles again. Counting takes milliseconds, so it is done after every few programs only.
    """
    if _Programs.made - _Programs.seen >= LOOK_EVERY:
        _Programs.seen = _Programs.made
        if mapped() > MOST_MAPPED:
            jax.clear_caches()
            gc.collect()


def mapped() -> int:
    """Pieces of memory that this process has mapped; 0 where the system does not say."""
    maps = Path("/proc/self/maps")
    return maps.read_bytes().count(b"\n") if maps.exists() else 0


def with_settings_of_this_thread(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as it would run in this thread, for other threads to call: those of JAX's settings that numbers depend on
    belong to the thread that entered them by ``with``."""
    values = {name: getattr(jax.config, f"jax_{name}") for name in THREAD_SETTINGS}

    @functools.wraps(function)
    def run(*arguments: Any) -> Any:
        with ExitStack() as stack:
            for name, value in values.items():
                stack.enter_context(getattr(jax, name)(value))
            return function(*arguments)

    return run


def enable_compilation_cache(folder: str | Path | None = None) -> Path:
    """Keeps compiled programs on disk, so that a later process loads what an earlier one compiled; returns the folder.

    folder: by default $JAXNN_CACHE_DIR, or else jaxnn under the user's cache folder. Call it before the first fit. Raises OSError
    where the folder can't be made. JAX would leave out programs that compile in under a second, most of them here; this keeps all.
    """
    home = os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")
    path = Path(folder or os.environ.get("JAXNN_CACHE_DIR") or Path(home) / "jaxnn")
    path.mkdir(parents=True, exist_ok=True)
    jax.config.update("jax_compilation_cache_dir", str(path))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return path
