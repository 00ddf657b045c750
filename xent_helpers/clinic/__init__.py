"""Name what is wrong with a loss: ``clinic.call`` looks at one call, ``clinic.training`` at a model about to train."""

from xent_helpers.clinic.call import call
from xent_helpers.clinic.report import Finding, Report
from xent_helpers.clinic.training import training

__all__ = ["Finding", "Report", "call", "training"]
