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
    exact_loss,
    loss_of_a_wrong_answer,
    outcomes,
    overflow_map,
    relative_error,
    scores_to_loss,
    sigmoid_and_softplus,
)
from xent_helpers.plots.targets import (
    against_noise,
    annotators,
    honesty,
    mixed_pictures,
    opinions,
    smoothing_valley,
    two_divergences,
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
    "annotators",
    "at_temperature",
    "calibration_and_refinement",
    "confusion_matrix",
    "cost_against_threshold",
    "costly_mistakes",
    "descent_and_newton",
    "difference_errors",
    "ece_of_a_perfect_model",
    "exact_loss",
    "expected_scores",
    "explore",
    "floors",
    "gradient_cloud",
    "honesty",
    "learning_curves",
    "likelihood_as_n_grows",
    "likelihood_at",
    "loss_against_probability",
    "loss_floor",
    "loss_of_a_wrong_answer",
    "loss_parts",
    "losses_and_slopes",
    "memory_against_chunk",
    "mixed_pictures",
    "newton_parabola",
    "next_byte_table",
    "norm_growth",
    "opinions",
    "outcomes",
    "overconfidence",
    "overflow_map",
    "plateau",
    "price_of_asking",
    "relative_error",
    "reliability_diagram",
    "saturation",
    "score_triangles",
    "scores_to_loss",
    "sigmoid_and_softplus",
    "smoothing_valley",
    "steepest_curvature",
    "surprise_curve",
    "temperature_curves",
    "time_against_chunk",
    "training_in_bits",
    "two_divergences",
    "two_fits",
    "which_loss",
]
