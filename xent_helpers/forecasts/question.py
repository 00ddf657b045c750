"""What a forecast is asked about."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """A question with a few possible answers, one of which comes true.

    Args:
        key: chapter and number, such as "1.2".
        answer: the option that comes true.
        beliefs: for each option, in the order in which the notebook shows them, why somebody holds it; for a wrong one
            also what answers it. Instructors read these.
    """

    key: str
    answer: str
    beliefs: dict[str, str]

    def __post_init__(self):
        if self.answer not in self.beliefs:
            raise ValueError(f"question {self.key}: the answer {self.answer!r} is none of {list(self.beliefs)}.")

    @property
    def options(self) -> tuple[str, ...]:
        return tuple(self.beliefs)

    @property
    def uniform_cost(self) -> float:
        """The loss in nats of a forecast that gives each option the same probability, log C."""
        return math.log(len(self.beliefs))

    def cost(self, probabilities: dict[str, float]) -> float:
        """The loss in nats of a forecast, minus the logarithm of what it gave to the answer."""
        if len(set(probabilities.values())) == 1:
            return self.uniform_cost
        given = probabilities[self.answer]
        return -math.log(given) if given > 0 else math.inf
