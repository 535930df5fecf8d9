"""The floor of a workload: the matrix products of its steps and nothing else, no gather, no loss, no optimizer, no shuffle."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from experiments.benchmarks.whole_run import Work
from experiments.benchmarks.workload import Train
from jaxnn.compiling import TRAINING


class Product(NamedTuple):
    """Rows by a kernel (inputs, outputs), and the two products of its backward rule; that of the inputs only where `error`.

    times: so often, each after the one before; the gradient of the kernel is one product for all of them.
    """

    rows: int
    kernel: tuple[int, ...]
    error: bool = True
    times: int = 1


def matrix_products(work: Work, products: list[Product]) -> Train:
    """The products of all steps; kernels are changed a little in each, so that none can be left out."""

    @partial(jax.jit, compiler_options=TRAINING if jax.default_backend() == "cpu" else None)
    def run(kernels: list[jax.Array], xs: list[jax.Array], reads: list[jax.Array]) -> list[jax.Array]:
        def step(kernels: list[jax.Array], _: None) -> tuple[list[jax.Array], None]:
            changes = [_three(product, *one) for product, *one in zip(products, kernels, xs, reads, strict=True)]
            return [kernel - 1e-9 * change for kernel, change in zip(kernels, changes, strict=True)], None

        return lax.scan(step, kernels, length=work.epochs * work.steps)[0]

    kernels = [jnp.ones(product.kernel) / product.kernel[1] for product in products]
    xs = [jnp.ones((product.rows, product.kernel[0])) for product in products]
    reads = [jnp.ones((product.times * product.rows, product.kernel[0])) for product in products]
    return lambda seed: jax.block_until_ready(run(kernels, xs, reads))


def _three(product: Product, kernel: jax.Array, x: jax.Array, read: jax.Array) -> jax.Array:
    """The gradient of the kernel, and a number of the last product, so that it can't be left out: a maximum takes the whole of it."""

    def once(x: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
        y = x @ kernel
        return (y @ kernel.T if product.error else x), y

    x, ys = once(x, None) if product.times == 1 else lax.scan(once, x, length=product.times)
    return read.T @ ys.reshape(-1, product.kernel[1]) + x.max()
