"""The figures of the course: one function draws one figure and returns its Axes."""

from xent_helpers.plots.likelihood import (
    likelihood_as_n_grows,
    loss_against_probability,
    loss_floor,
    product_underflow,
)

__all__ = ["likelihood_as_n_grows", "loss_against_probability", "loss_floor", "product_underflow"]
