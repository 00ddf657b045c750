"""The figures of the course: one function draws one figure and returns its Axes."""

from xent_helpers.plots.information import expected_scores, loss_parts, score_triangles, surprise_curve, two_fits
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
    "confusion_matrix",
    "costly_mistakes",
    "expected_scores",
    "floors",
    "gradient_cloud",
    "learning_curves",
    "likelihood_as_n_grows",
    "loss_against_probability",
    "loss_floor",
    "loss_parts",
    "norm_growth",
    "plateau",
    "product_underflow",
    "saturation",
    "score_triangles",
    "surprise_curve",
    "two_fits",
    "which_loss",
]
