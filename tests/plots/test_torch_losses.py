"""Figures of chapter 5: they say what they show, and draw what they are given."""

import numpy as np

from xent_helpers import plots


def test_which_loss_names_the_five_losses():
    ax = plots.which_loss()
    texts = [text.get_text() for text in ax.texts]
    for name in ("CrossEntropyLoss", "NLLLoss", "BCEWithLogitsLoss", "BCELoss", "KLDivLoss"):
        assert name in texts and name in ax.figure.alt
    assert ax.get_title(loc="left")


def test_floors_draws_both_groups_and_tells_them_apart():
    margin = np.linspace(0, 12, 25)
    right = {"CE": np.exp(-margin), "BCE": np.exp(-2 * margin)}
    twice = {"softmax": 1.46 + right["CE"], "sigmoid": 0.31 + right["BCE"]}
    ax = plots.floors(margin, right, twice)
    drawn = [line.get_ydata() for line in ax.lines]
    for line, wanted in zip(drawn, [*right.values(), *twice.values()], strict=True):
        np.testing.assert_array_equal(line, wanted)
    assert [line.get_linestyle() for line in ax.lines] == ["-", "-", "--", "--"]
    assert {text.get_text() for text in ax.texts} == {"CE", "BCE", "softmax", "sigmoid"}
    assert "nats" in ax.get_ylabel() and "logits" in ax.get_xlabel()
    assert ax.get_title(loc="left") and len(ax.figure.alt) >= 40


def test_saturation_draws_loss_and_gradient():
    z = np.linspace(0, 25, 11)
    curves = {"logits": (z, np.ones(11)), "probabilities": (4 * z, np.zeros(11))}
    axes = plots.saturation(z, curves)
    for ax, which in zip(axes, (0, 1), strict=True):
        for line, both in zip(ax.lines, curves.values(), strict=True):
            np.testing.assert_array_equal(line.get_ydata(), both[which])
        assert ax.get_title(loc="left") and ax.get_xlabel() and "nats" in ax.get_ylabel()
    assert [text.get_text() for text in axes[0].get_legend().get_texts()] == ["logits", "probabilities"]
    assert len(axes[0].figure.alt) >= 40
