"""What chapter 8 asks its readers to forecast."""

from xent_helpers.forecasts.question import Question

QUESTIONS: tuple[Question, ...] = ()
