"""The figures of the course: one function draws one figure and returns its Axes."""

from xent_helpers.plots.torch_losses import floors, saturation, which_loss  # noqa: F401
