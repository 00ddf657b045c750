"""The figures of the course: one function draws one figure and returns its Axes."""

from xent_helpers.plots.targets import (
    against_noise,
    bounded_norms,
    gradient_factors,
    honesty,
    opinions,
    smoothing_valley,
    students,
)
from xent_helpers.plots.training import (
    confusion_matrix,
    costly_mistakes,
    gradient_cloud,
    learning_curves,
    norm_growth,
    plateau,
)

__all__ = [
    "against_noise",
    "bounded_norms",
    "confusion_matrix",
    "costly_mistakes",
    "gradient_cloud",
    "gradient_factors",
    "honesty",
    "learning_curves",
    "norm_growth",
    "opinions",
    "plateau",
    "smoothing_valley",
    "students",
]
