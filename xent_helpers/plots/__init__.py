"""The figures of the course: one function draws one figure and returns its Axes."""

from xent_helpers.plots.likelihood import likelihood_as_n_grows, loss_against_probability, loss_floor, product_underflow
from xent_helpers.plots.torch_losses import floors, saturation, which_loss

__all__ = [
    "floors",
    "likelihood_as_n_grows",
    "loss_against_probability",
    "loss_floor",
    "product_underflow",
    "saturation",
    "which_loss",
]
