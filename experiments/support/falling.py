"""An optimizer whose steps become smaller and smaller: a schedule that recipes can hold, for its numbers are arguments."""

import optax


def falling_adam(learning_rate: float, steps: int = 1) -> optax.GradientTransformation:
    """Adam whose learning rate falls to 0 along half a cosine in so many steps."""
    return optax.adam(optax.cosine_decay_schedule(learning_rate, steps))
