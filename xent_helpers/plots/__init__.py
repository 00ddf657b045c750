"""The figures of the course: one function draws one figure and returns its Axes."""

from xent_helpers.plots.calibration import (
    calibration_and_refinement,
    cost_against_threshold,
    ece_of_a_perfect_model,
    overconfidence,
    price_of_asking,
    reliability_diagram,
    temperature_curves,
)
from xent_helpers.plots.gradients import (
    accuracy_by_start,
    descent_and_newton,
    difference_errors,
    losses_along_a_line,
    losses_and_slopes,
    newton_parabola,
    steepest_curvature,
)
from xent_helpers.plots.information import expected_scores, loss_parts, score_triangles, surprise_curve, two_fits
from xent_helpers.plots.likelihood import likelihood_as_n_grows, loss_against_probability, loss_floor, product_underflow
from xent_helpers.plots.stability import (
    exact_loss,
    loss_of_a_wrong_answer,
    outcomes,
    overflow_map,
    relative_error,
    sigmoid_and_softplus,
)
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
    "calibration_and_refinement",
    "confusion_matrix",
    "cost_against_threshold",
    "costly_mistakes",
    "descent_and_newton",
    "difference_errors",
    "ece_of_a_perfect_model",
    "exact_loss",
    "expected_scores",
    "floors",
    "gradient_cloud",
    "learning_curves",
    "likelihood_as_n_grows",
    "loss_against_probability",
    "loss_floor",
    "loss_of_a_wrong_answer",
    "loss_parts",
    "losses_along_a_line",
    "losses_and_slopes",
    "newton_parabola",
    "norm_growth",
    "outcomes",
    "overconfidence",
    "overflow_map",
    "plateau",
    "price_of_asking",
    "product_underflow",
    "relative_error",
    "reliability_diagram",
    "saturation",
    "score_triangles",
    "sigmoid_and_softplus",
    "steepest_curvature",
    "surprise_curve",
    "temperature_curves",
    "two_fits",
    "which_loss",
]
