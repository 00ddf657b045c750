"""The figures of chapter 7: each draws what it is given, labelled and described."""

import numpy as np
import pytest

from xent_helpers import plots
from xent_helpers.calibration import reliability


def table(shift=0.0, bins=5):
    rng = np.random.default_rng(0)
    claimed = rng.uniform(0.25, 1, 200)
    return reliability(claimed, rng.random(200) < claimed - shift, bins)


def two_rows(*values):
    return np.array([values, values]) + np.array([[0.0], [0.02]])


CURVE = np.linspace(0.1, 1.2, 12)
RUNS = {
    "accuracy": two_rows(0.93, 0.95, 0.95),
    "confidence": two_rows(0.91, 0.97, 0.98),
    "loss": two_rows(0.25, 0.18, 0.22),
    "repaired": two_rows(0.25, 0.17, 0.16),
}
DRAWN = {
    "reliability_diagram": lambda: plots.reliability_diagram({"one": table(), "two": table(0.2)})[0],
    "calibration_and_refinement": lambda: plots.calibration_and_refinement({"a": 0.0, "b": 0.1}, {"a": 0.4, "b": 0.4}),
    "temperature_curves": lambda: plots.temperature_curves(
        CURVE, {"training": 1 / CURVE, "validation": (CURVE - 0.5) ** 2 + 1}, {"validation": 2.0}
    ),
    "overconfidence": lambda: plots.overconfidence(np.array([10, 100, 1000]), RUNS)[0],
    "cost_against_threshold": lambda: plots.cost_against_threshold(
        CURVE / 1.2, {"plain": np.array([(CURVE - 0.2) ** 2] * 2), "bent": np.array([(CURVE - 0.7) ** 2] * 2)}, 0.25
    ),
    "price_of_asking": lambda: plots.price_of_asking(
        np.array([0.1, 0.2, 0.3]), {"bold": two_rows(0.2, 0.2, 0.2), "honest": two_rows(0.1, 0.15, 0.18)}
    ),
}


@pytest.mark.parametrize("name", DRAWN)
def test_every_figure_has_labels_title_and_alternative_text(name):
    ax = DRAWN[name]()
    assert ax.get_title(loc="left") and ax.get_ylabel()
    assert any(other.get_xlabel() for other in ax.figure.axes)
    assert len(ax.figure.alt) >= 40 and "nan" not in ax.figure.alt


@pytest.mark.parametrize("name", DRAWN)
def test_the_same_figure_is_the_same_bytes(name):
    assert DRAWN[name]().figure.png() == DRAWN[name]().figure.png()


def test_a_reliability_diagram_draws_the_used_bins_with_areas_by_count_and_the_bars_of_a_calibrated_model():
    shown = table(0.1)
    (ax,) = plots.reliability_diagram({"x": shown}, what="share right")
    used = shown.count > 0
    assert 0 < used.sum() < 5  # the lowest bin is empty
    claimed, count = shown.claimed[used], shown.count[used]
    assert ax.lines[0].get_xydata().tolist() == [[0, 0], [1, 1]]
    dots = ax.collections[-1]
    np.testing.assert_allclose(dots.get_offsets(), np.column_stack([shown.claimed, shown.happened])[used])
    assert (np.argsort(dots.get_sizes()) == np.argsort(count)).all()
    bars = ax.collections[0].get_segments()
    error = 2 * np.sqrt(claimed * (1 - claimed) / count)
    np.testing.assert_allclose([bar[1, 1] for bar in bars], np.minimum(claimed + error, 1))
    assert ax.get_ylabel() == "share right" and ax.get_xlabel() == "claimed probability"
    mean = np.nansum(shown.claimed * shown.count) / 200
    assert f"claims {mean:.2f}" in ax.figure.alt


def test_the_bars_are_stacked():
    ax = DRAWN["calibration_and_refinement"]()
    drawn = [(bar.get_x(), bar.get_width()) for bar in ax.patches]
    np.testing.assert_allclose(drawn, [(0, 0.4), (0, 0.4), (0.4, 0.0), (0.4, 0.1)])
    assert [text.get_text() for text in ax.texts] == ["0.400", "+ 0.000", "0.400", "+ 0.100"]
    assert "b 0.400 and 0.100" in ax.figure.alt


def test_only_parts_with_a_best_temperature_are_marked():
    ax = DRAWN["temperature_curves"]()
    marks = [line for line in ax.lines if len(line.get_xdata()) == 1]
    assert len(marks) == 1 and marks[0].get_xydata().tolist() == [[0.5, pytest.approx(1.0)]]
    assert {"training", "validation"} <= {text.get_text() for text in ax.texts}
    assert "validation at T = 2.00" in ax.figure.alt


def test_overconfidence_shows_means_and_bands_of_four_measures():
    axes = plots.overconfidence(np.array([10, 100, 1000]), RUNS)
    for ax, names in zip(axes, (("confidence", "accuracy"), ("loss", "repaired")), strict=True):
        for line, name in zip(ax.lines, names, strict=True):
            np.testing.assert_allclose(line.get_ydata(), RUNS[name].mean(axis=0))
        assert len(ax.collections) == 2 and ax.get_xscale() == "log" and ax.get_xlabel() and ax.get_ylabel()
    assert "falls to 0.190 nats and rises again to 0.230" in axes[0].figure.alt


def test_costs_are_drawn_with_the_rule():
    ax = DRAWN["cost_against_threshold"]()
    lines = [line for line in ax.lines if len(line.get_xdata()) == len(CURVE)]
    np.testing.assert_allclose(lines[0].get_ydata(), (CURVE - 0.2) ** 2)
    assert any(np.all(np.equal(line.get_xdata(), 0.25)) for line in ax.lines)
    assert "prescribe 0.25" in ax.figure.alt and "least at" in ax.figure.alt
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["plain", "bent"]


def test_costs_of_asking_are_drawn_in_multiples_of_asking_always():
    ax = DRAWN["price_of_asking"]()
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0.21 / 0.1, 0.21 / 0.2, 0.21 / 0.3])
    assert set(ax.lines[-1].get_ydata()) == {1}
    assert "bold from 2.10 to 0.70" in ax.figure.alt
