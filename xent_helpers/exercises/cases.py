"""The inputs of a check: drawn several times over, each once."""

import numpy as np

from xent_helpers.exercises.record import Exercise
from xent_helpers.exercises.seeding import seed_of

MOST = 60


def drawn(exercise: Exercise, seed: int) -> tuple[list[tuple], int]:
    """Argument tuples for ``exercise``, its plain ones first, and how many of them make up the first round."""
    rng = np.random.default_rng(seed)
    cases, seen, least = [], set(), 0
    for _ in range(exercise.rounds):
        for arguments in exercise.inputs(rng):
            mark = seed_of(arguments)
            if mark not in seen:
                seen.add(mark)
                cases.append(arguments)
        least = least or len(cases)
        if len(cases) >= MOST:
            break
    return cases, least
