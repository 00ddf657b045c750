"""Write an exercise from top to bottom: the task, its reference and inputs, then one mistake after the other.

Example::

    coin = Draft("1.1", "Return the mean binary loss of …", hints=("…", "…"), afterwards="…")

    @coin.reference
    def mean_coin_loss(p, y):
        return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))

    @coin.inputs
    def coin_inputs(rng):
        return [(np.array([0.9]), np.array([1.0])), …]

    coin.says(IN_BITS, "You took the logarithm to base 2. …?")  # a slip of the reference, in words of its own

    @coin.mistake
    def coin_ones_only(p, y):
        \"\"\"Samples with label 0 cost you nothing. …?\"\"\"
        return -np.mean(y * np.log(p))

    @coin.mistake(small=SMALL_NUMBERS)  # a family: one mistake for each number
    def coin_padded(p, y, small):
        \"\"\"You add a small number inside the logarithm. …?\"\"\"
        return -np.mean(y * np.log(p + small) + (1 - y) * np.log(1 - p + small))

Two mistakes at once come from a formula with replaceable parts. Each value of a part is a ``Variant``, with a name and
a message of its own::

    student.parts(student_from_parts, factor=FACTORS)  # one mistake for each wrong factor
    student.parts(student_from_parts, factor=FACTORS, share=SHARES)  # and one for each pair, which says both messages

A value of a family may be a ``Variant`` as well; its message follows the docstring.
"""

import inspect
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from xent_helpers.exercises.exercise import SECOND, Exercise, Mistake, Must
from xent_helpers.exercises.slips import Slip

__all__ = ["Draft", "Must", "Variant"]


@dataclass(frozen=True)
class Variant:
    """One value of a replaceable part of a formula, and what to say about it if it is wrong."""

    name: str
    value: Any
    message: str = ""


class Draft:
    """An exercise while it is being written; ``exercise()`` gives the finished record.

    The arguments are those of ``Exercise``. A function's name, with spaces for underscores, is the name of its mistake;
    its docstring is what the learner reads.
    """

    def __init__(self, key: str, task: str, *, hints: tuple[str, ...], afterwards: str, **options: Any):
        self._record = {"key": key, "task": task, "hints": hints, "afterwards": afterwards, **options}
        self._mistakes: list[Mistake] = []

    def reference(self, function: Callable) -> Callable:
        """Take ``function`` as the solution; one without parameters asks for a value."""
        self._record["reference"] = function
        return function

    def inputs(self, function: Callable) -> Callable:
        """Take ``function`` to draw the inputs; an exercise that asks for a value needs none."""
        self._record["inputs"] = function
        return function

    def domain(self, function: Callable) -> Callable:
        """Take ``function`` to tell whether arguments lie within what the task states."""
        self._record["domain"] = function
        return function

    def says(self, slip: Slip, message: str) -> None:
        """Give ``slip``, made in the reference, a message of this exercise."""
        self.add(partial(_slipped, self._record["reference"], slip), message, slip.name)

    def mistake(
        self,
        function: Callable | None = None,
        *,
        name: str = "",
        like: Callable | None = None,
        **family: Iterable[Any],
    ) -> Callable:
        """Add a wrong answer whose message is its docstring, or a family of them.

        Args:
            function: the wrong answer, with the reference's parameters (and those of ``family``).
            name: a name where the function's own does not serve.
            like: another way to the same mistake; its docstring is the message.
            family: values for further parameters; each combination of them is a mistake.
        """
        if function is None:
            return partial(self.mistake, name=name, like=like, **family)
        message = inspect.getdoc(like or function)
        if not message:
            raise ValueError(f"{function.__name__} has no docstring, and that is what the learner would read.")
        message, name = " ".join(message.split()), name or _spaced(function)
        for values in product(*family.values()):
            parts = [one if isinstance(one, Variant) else Variant(_spaced(one), one) for one in values]
            fixed = dict(zip(family, (part.value for part in parts), strict=True))
            messages = [message, *(part.message for part in parts if part.message)]
            wrong = partial(function, **fixed) if fixed else function
            self.add(wrong, SECOND.join(messages), " ".join([name, *(part.name for part in parts)]))
        return function

    def parts(self, formula: Callable, **options: Iterable[Variant]) -> None:
        """Add ``formula`` with wrong parts, one mistake for each combination of the options' values."""
        for parts in product(*options.values()):
            fixed = dict(zip(options, (part.value for part in parts), strict=True))
            message = SECOND.join(part.message for part in parts)
            self.add(partial(formula, **fixed), message, " and ".join(part.name for part in parts))

    def add(self, wrong: Callable, message: str, name: str) -> None:
        """Add one mistake that a loop has built."""
        self._mistakes.append(Mistake(wrong, message, name))

    def exercise(self) -> Exercise:
        """Return the finished record."""
        inputs = self._record.get("inputs", lambda rng: [()])
        return Exercise(**self._record | {"inputs": inputs, "mistakes": tuple(self._mistakes)})


def _spaced(value: Any) -> str:
    """A function's name with spaces for underscores; any other value as it prints."""
    return value.__name__.replace("_", " ").strip() if callable(value) else str(value)


def _slipped(reference: Callable, slip: Slip, *arguments: Any) -> Any:
    """The reference with a slip in its arguments, its output, or both."""
    if slip.before:
        arguments = slip.before(deepcopy(arguments))
    output = reference(*arguments)
    return slip.after(np.asarray(output), arguments) if slip.after else output
