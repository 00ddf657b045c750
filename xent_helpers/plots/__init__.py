"""The figures of the course: one function draws one figure and returns its Axes."""

from xent_helpers.plots.gradients import (
    accuracy_by_start,
    descent_and_newton,
    difference_errors,
    losses_along_a_line,
    losses_and_slopes,
    newton_parabola,
    steepest_curvature,
)
from xent_helpers.plots.likelihood import likelihood_as_n_grows, loss_against_probability, loss_floor, product_underflow
from xent_helpers.plots.torch_losses import floors, saturation, which_loss
from xent_helpers.plots.training import (
    confusion_matrix,
    costly_mistakes,
    gradient_cloud,
    learning_curves,
    norm_growth,
    plateau,
)

__all__ = [
    "accuracy_by_start",
    "confusion_matrix",
    "costly_mistakes",
    "descent_and_newton",
    "difference_errors",
    "floors",
    "gradient_cloud",
    "learning_curves",
    "likelihood_as_n_grows",
    "loss_against_probability",
    "loss_floor",
    "losses_along_a_line",
    "losses_and_slopes",
    "newton_parabola",
    "norm_growth",
    "plateau",
    "product_underflow",
    "saturation",
    "steepest_curvature",
    "which_loss",
]
