"""The text that an explorable puts into a notebook; ``tests/browser`` brings it to life."""

import re

import pytest

from xent_helpers import explorables


@pytest.mark.parametrize("name", explorables.ALTERNATIVES)
def test_an_explorable_is_the_same_text_each_time_and_carries_its_picture(name):
    html = explorables.explore(name).data
    assert html == explorables.explore(name).data
    (alt,) = re.findall(r'<img alt="([^"]{40,})" src="data:image/png;base64,[A-Za-z0-9+/=]{1000,}">', html)
    assert not re.search(r"(?:src=|href=|url\(|import|fetch\()[\s\"'(]*(?:https?:|//)", html)  # nothing from elsewhere
    assert alt and len(html) < 60_000


def test_an_unknown_explorable_is_refused():
    with pytest.raises(ValueError, match=r"'dice'.*coin"):
        explorables.explore("dice")
