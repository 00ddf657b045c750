"""The figures of the course: one function draws one figure and returns its Axes."""

from xent_helpers.plots.training import (
    confusion_matrix,
    costly_mistakes,
    gradient_cloud,
    learning_curves,
    norm_growth,
    plateau,
)

__all__ = ["confusion_matrix", "costly_mistakes", "gradient_cloud", "learning_curves", "norm_growth", "plateau"]
