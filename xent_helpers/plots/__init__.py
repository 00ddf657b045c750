"""The figures of the course: one function draws one figure and returns its Axes."""

import sys

from xent_helpers.plots.calibration import (
    calibration_and_refinement,
    cost_against_threshold,
    overconfidence,
    price_of_asking,
    reliability_diagram,
    temperature_curves,
)
from xent_helpers.plots.gradients import (
    difference_errors,
    gradient_as_transfer,
    losses_and_slopes,
    steepest_curvature,
    two_landscapes,
    two_ways_down,
)
from xent_helpers.plots.information import (
    belief_costs,
    code_areas,
    expected_scores,
    loss_parts,
    score_triangles,
    surprise_curve,
    two_fits,
)
from xent_helpers.plots.language_model import (
    accumulation_error,
    label_grid,
    memory_against_rows,
    next_byte_bars,
    time_against_rows,
    training_in_bits,
)
from xent_helpers.plots.likelihood import (
    coins_along_radius,
    dice_side_by_side,
    likelihood_as_n_grows,
    likelihood_at,
    loss_against_probability,
    sorted_by_class,
    three_floors,
)
from xent_helpers.plots.stability import (
    binary_losses,
    class_regions,
    digits_left,
    logistic_regression,
    scores_to_loss,
)
from xent_helpers.plots.style import course_style
from xent_helpers.plots.targets import (
    against_noise,
    annotators,
    honesty,
    mixed_pictures,
    opinions,
    smoothing_valley,
    two_divergences,
)
from xent_helpers.plots.torch_losses import floors, saturation, units_against_margin, weighted_mean
from xent_helpers.plots.training import (
    confusion_matrix,
    costly_mistakes,
    digit_samples,
    gradient_clouds,
    learning_curves,
    norm_growth,
    one_batch,
    rate_sweep,
)

__all__ = [
    "accumulation_error",
    "against_noise",
    "annotators",
    "belief_costs",
    "binary_losses",
    "calibration_and_refinement",
    "class_regions",
    "code_areas",
    "coins_along_radius",
    "confusion_matrix",
    "cost_against_threshold",
    "costly_mistakes",
    "dice_side_by_side",
    "difference_errors",
    "digit_samples",
    "digits_left",
    "expected_scores",
    "floors",
    "gradient_as_transfer",
    "gradient_clouds",
    "honesty",
    "label_grid",
    "learning_curves",
    "likelihood_as_n_grows",
    "likelihood_at",
    "logistic_regression",
    "loss_against_probability",
    "loss_parts",
    "losses_and_slopes",
    "memory_against_rows",
    "mixed_pictures",
    "next_byte_bars",
    "norm_growth",
    "one_batch",
    "opinions",
    "overconfidence",
    "price_of_asking",
    "rate_sweep",
    "reliability_diagram",
    "saturation",
    "score_triangles",
    "scores_to_loss",
    "smoothing_valley",
    "sorted_by_class",
    "steepest_curvature",
    "surprise_curve",
    "temperature_curves",
    "three_floors",
    "time_against_rows",
    "training_in_bits",
    "two_divergences",
    "two_fits",
    "two_landscapes",
    "two_ways_down",
    "units_against_margin",
    "weighted_mean",
]

for _name in __all__:  # in the course's style, whatever style is set, which is left as it is
    _plain = globals()[_name]
    globals()[_name] = vars(sys.modules[_plain.__module__])[_name] = course_style()(_plain)
