"""The figures of the course: one function draws one figure and returns its Axes."""

from xent_helpers.plots.stability import loss_of_a_wrong_answer, overflow_map, relative_error, sigmoid_and_softplus

__all__ = ["loss_of_a_wrong_answer", "overflow_map", "relative_error", "sigmoid_and_softplus"]
