"""Name what is wrong with a loss: ``clinic.call`` looks at one call, ``clinic.training`` at a model about to train."""

from xent_helpers.clinic.examine import call
from xent_helpers.clinic.rehearse import training
from xent_helpers.clinic.report import Finding, Report

__all__ = ["Finding", "Report", "call", "training"]
