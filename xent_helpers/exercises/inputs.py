"""Draw the inputs of a check."""

import numpy as np

from xent_helpers.exercises.exercise import Exercise
from xent_helpers.exercises.seeding import seed_of

MOST = 60


def draw_inputs(exercise: Exercise, seed: int) -> tuple[list[tuple], int]:
    """Return argument tuples without duplicates, the plain ones first, and how many of them the first round made."""
    rng = np.random.default_rng(seed)
    cases, seen, first_round = [], set(), 0
    for _ in range(exercise.rounds):
        for arguments in exercise.inputs(rng):
            mark = seed_of(arguments)
            if mark not in seen:
                seen.add(mark)
                cases.append(arguments)
        first_round = first_round or len(cases)
        if len(cases) >= MOST:
            break
    return cases, first_round
