"""The figures of the course: one function draws one figure and returns its Axes."""

from xent_helpers.plots.information import expected_scores, loss_parts, score_triangles, surprise_curve, two_fits

__all__ = ["expected_scores", "loss_parts", "score_triangles", "surprise_curve", "two_fits"]
