"""PyTorch says about each bad call what the list says, and the page of errors explains it."""

import re

import pytest
import torch

from tools import bad_calls
from tools.execute_notebooks import ROOT

MESSAGES = bad_calls.messages()
PAGE = (ROOT / "book" / "errors.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: (message.says or message.quoted)[0])
def test_pytorch_still_says_what_the_list_says(message):
    """A failure shows what has changed: put the new wording first in the list, and look at the page's entry."""
    changed = []
    for call in message.calls:
        said = bad_calls.said(call)
        missing = "has no attribute 'linear_cross_entropy'" in said  # PyTorch before 2.13
        if not missing and not any(fragment in said for fragment in message.says):
            changed.append(f"{call}\n  says    {said or 'nothing'}\n  not     {message.says[0]}")
    assert not changed, f"PyTorch {torch.__version__}:\n" + "\n".join(changed)


def test_every_message_stands_in_the_table_and_leads_to_its_entry():
    rows = bad_calls.BETWEEN.search(PAGE)[0].splitlines()[2:]
    expected = [(text, message.heading) for message in MESSAGES for text in [*message.says[:1], *message.quoted]]
    assert len(rows) == len(expected)
    for row, (fragment, heading) in zip(rows, expected, strict=True):
        assert fragment in row and row.endswith(f"| [{heading}](#{bad_calls.slug(heading)}) |")
    assert {message.heading for message in MESSAGES} <= set(re.findall(r"^### (.*)$", PAGE, re.MULTILINE))


def test_a_call_that_says_nothing_is_seen():
    assert bad_calls.said("F.cross_entropy(z(4, 3), y(4))") == ""
