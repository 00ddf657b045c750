"""Small figures that move without a kernel: HTML that carries a picture, and a script that brings it to life.

Where scripts do not run (an untrusted notebook, a viewer, paper) the picture and its alternative text stay. The text of
an output is the same in each run. ``python -m tools.explorables`` draws the pictures again after a change.
"""

import json
import re
from base64 import b64encode
from html import escape
from importlib.resources import files

from IPython.display import HTML

from xent_helpers import data

# For each explorable what its picture shows, for a reader who cannot see it.
ALTERNATIVES = {
    "coin": "Ten flips of a coin, seven of them heads. Left, the probability that θ = 0.6 gives to each flip. Right, "
    "the mean negative log-likelihood against θ, a bowl whose lowest point, the entropy 0.611, lies at 0.7.",
    "two": "A truth q and a belief p about three outcomes. Left, each outcome's code length −log₂ p as a rectangle of "
    "width q. Right, the entropy of q and the divergence add up to the cross-entropy.",
    "gap": "Correct digits of the loss of two scores against the gap between them, in float32: the naive formula "
    "loses all digits, subtracting the largest score keeps no more until the loss rounds to 0, log1p keeps them all.",
    "push": "Three scores. Left, their probabilities and the label. Right, arrows for the push on each score: y − p "
    "for cross-entropy, and shorter ones for squared error.",
    "machine": "Four samples with three scores and a label each. A block for each sample, as wide as it counts and as "
    "high as its loss; the mean loss is their area. Below, the division with its numbers, and a list of mistakes that "
    "raise no error.",
    "epochs": "Epoch 5 of a training run. Left, training and validation loss against the epoch. Right, how often each "
    "digit was taken for each. Below, the twelve most expensive pictures with their costs.",
    "target": "Ten classes with a smoothed target. Left, target and prediction as bars. Right, the gap between the "
    "true class's score and the others grows with training and stops at log 91 = 4.51.",
    "honesty": "A network's claims on validation pictures. Confidence against the share right, the mean negative "
    "log-likelihood against the temperature, a valley near 3, and the cost of decisions against their threshold.",
    "bytes": "A sentence whose letters are coloured by their surprise under a table of byte pairs, and the seven bytes "
    "that most likely come next.",
}


def explore(name: str) -> HTML:
    """Show an explorable figure, such as "coin".

    Raises:
        ValueError: there is none of this name.
    """
    if name not in ALTERNATIVES:
        raise ValueError(f"there is no explorable {name!r}, expected one of {', '.join(ALTERNATIVES)}.")
    script = _text("course.js") + _record(name) + _text(f"{name}.js")
    picture = b64encode(files(__package__).joinpath(f"{name}.png").read_bytes()).decode()
    return HTML(
        f'<figure data-explorable="{name}"><img alt="{escape(ALTERNATIVES[name])}" '
        f'src="data:image/png;base64,{picture}"></figure>\n'
        f"<style>\n{_text('course.css')}</style>\n<script>\n(() => {{\n{script}}})();\n</script>"
    )


def _record(name: str) -> str:
    """What a script shows besides what it computes: chapter 9's text, or a run recorded by ``tools.recorded``."""
    if name == "bytes":
        record = json.dumps(data.text().decode()).replace("<", "\\u003c")  # so that no tag of HTML can end the script
    elif files(__package__).joinpath(f"{name}.json").is_file():
        record = _text(f"{name}.json").strip()
    else:
        return ""
    return f"const RECORD = {record};\n"


def _text(name: str) -> str:
    """A file of the package, without the blanks that begin its lines."""
    return re.sub(r"(?m)^ +", "", files(__package__).joinpath(name).read_text("utf-8"))
