"""Figures of chapter 5: they say what they show, and draw what they are given."""

import numpy as np
import pandas as pd

from xent_helpers import plots


def test_weighted_mean_draws_blocks_and_both_means():
    ax = plots.weighted_mean([1.0, 3.0], [2.0, 6.0], labels=[0, 4])
    blocks = [(bar.get_x(), bar.get_width(), bar.get_height()) for bar in ax.patches]
    assert blocks == [(0, 2, 1), (2, 6, 3)]
    weighted, plain = (line.get_ydata()[0] for line in ax.lines)
    assert (weighted, plain) == (2.5, 2.0) and "2.50" in ax.figure.alt
    texts = " ".join(text.get_text() for text in ax.texts)
    assert "class 0" in texts and "class 4" in texts and "weighted mean" in texts


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


def test_saturation_draws_loss_and_size_of_the_gradient():
    wrong = np.linspace(0, 25, 11)
    curves = {
        "logits": (wrong, np.ones(11)),
        "label 0": (4 * wrong, np.zeros(11)),
        "label 1": (wrong, -np.ones(11) / 2),
    }
    axes = plots.saturation(wrong, curves)
    for ax, which in zip(axes, (0, 1), strict=True):
        for line, both in zip(ax.lines, curves.values(), strict=True):
            np.testing.assert_array_equal(line.get_ydata(), np.abs(both[which]))
        assert ax.get_title(loc="left") and ax.get_xlabel() and "nats" in ax.get_ylabel()
    assert [text.get_text() for text in axes[0].get_legend().get_texts()] == list(curves)
    assert len({line.get_linestyle() for line in axes[1].lines}) == 3


def test_units_against_margin_draws_a_curve_for_each_device_and_implementation():
    rows = [(device, who, m, 1.0 + m) for device in ("cpu", "other") for who in ("ours", "torch") for m in range(3)]
    ax = plots.units_against_margin(pd.DataFrame(rows, columns=["device", "who", "margin", "units"]))
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names[:4] == ["ours, cpu", "torch, cpu", "ours, other", "torch, other"] and "5.6" in names[4]
    for line in ax.lines[:4]:
        np.testing.assert_array_equal(line.get_ydata(), [1, 2, 3])
    np.testing.assert_array_equal(ax.lines[4].get_ydata(), [4, 4, 8])
    assert len({(line.get_linestyle(), line.get_marker()) for line in ax.lines[:4]}) == 4
    assert ax.get_yscale() == "log" and "units" in ax.get_ylabel() and "logits" in ax.get_xlabel()
