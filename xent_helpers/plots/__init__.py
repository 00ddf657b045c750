"""The figures of the course: one function draws one figure and returns its Axes."""

from xent_helpers.plots.calibration import (
    at_temperature,
    calibration_and_refinement,
    cost_against_threshold,
    ece_of_a_perfect_model,
    overconfidence,
    price_of_asking,
    reliability_diagram,
    temperature_curves,
)
from xent_helpers.plots.gradients import (
    descent_and_newton,
    difference_errors,
    losses_and_slopes,
    newton_parabola,
    steepest_curvature,
)
from xent_helpers.plots.information import expected_scores, loss_parts, score_triangles, surprise_curve, two_fits
from xent_helpers.plots.language_model import (
    memory_against_chunk,
    next_byte_table,
    time_against_chunk,
    training_in_bits,
)
from xent_helpers.plots.likelihood import likelihood_as_n_grows, likelihood_at, loss_against_probability, loss_floor
from xent_helpers.plots.sliders import explore
from xent_helpers.plots.stability import (
    binary_losses,
    class_regions,
    digits_left,
    logistic_regression,
    scores_to_loss,
)
from xent_helpers.plots.targets import (
    against_noise,
    bounded_norms,
    gradient_factors,
    honesty,
    opinions,
    smoothing_valley,
    students,
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
    "against_noise",
    "at_temperature",
    "binary_losses",
    "bounded_norms",
    "calibration_and_refinement",
    "class_regions",
    "confusion_matrix",
    "cost_against_threshold",
    "costly_mistakes",
    "descent_and_newton",
    "difference_errors",
    "digits_left",
    "ece_of_a_perfect_model",
    "expected_scores",
    "explore",
    "floors",
    "gradient_cloud",
    "gradient_factors",
    "honesty",
    "learning_curves",
    "likelihood_as_n_grows",
    "likelihood_at",
    "logistic_regression",
    "loss_against_probability",
    "loss_floor",
    "loss_parts",
    "losses_and_slopes",
    "memory_against_chunk",
    "newton_parabola",
    "next_byte_table",
    "norm_growth",
    "opinions",
    "overconfidence",
    "plateau",
    "price_of_asking",
    "reliability_diagram",
    "saturation",
    "score_triangles",
    "scores_to_loss",
    "smoothing_valley",
    "steepest_curvature",
    "students",
    "surprise_curve",
    "temperature_curves",
    "time_against_chunk",
    "training_in_bits",
    "two_fits",
    "which_loss",
]
