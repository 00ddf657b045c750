"""What a refusal must say, whatever its words: which argument, what it holds, what was expected, and the remedy."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def refused(error: type[Exception], facts: str) -> Iterator[None]:
    """The block must raise exactly ``error``, in a sentence "…, expected …: ….", with the facts in their order.

    Facts are what no other wording of the sentence could leave out: names, shapes, numbers, types, code. A blank parts
    two of them, and an underscore in a shape is a blank: "target (4,_1) (4,)".
    """
    with pytest.raises(error) as caught:
        yield
    message = str(caught.value)
    assert caught.type is error, message
    assert re.fullmatch(r".+, expected .+: .+[.?]", message, re.DOTALL), message
    place = 0
    for fact in re.sub(r"(?<=,)_", "\0", facts).split():
        found = message.find(fact.replace("\0", " "), place)
        assert found >= 0, f"{message!r} does not name {fact!r}"
        place = found + len(fact)
