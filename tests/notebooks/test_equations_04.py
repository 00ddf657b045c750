"""Every numbered equation of chapter 4 by another route: 40-digit derivatives, SciPy, scikit-learn, autograd."""

import mpmath
import numpy as np
import pytest
import torch
from scipy import optimize, stats
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from torch.nn import functional as F

from xent_helpers import data, gradients, losses

RNG = np.random.default_rng(4)
Z = RNG.normal(scale=2.0, size=5)
P = losses.softmax(Z)
LABEL = 3
ONE_HOT = np.eye(5)[LABEL]
X = np.column_stack([np.ones(8), RNG.normal(size=(8, 2))])
LABELS = RNG.integers(0, 3, 8)
W, V = RNG.normal(size=(2, 3, 3))
BINARY = np.array([1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0])


def agree(equation, ours, theirs, bound):
    """Assert that two routes to an equation agree; `pytest -rP` shows by how much."""
    deviation = float(np.max(np.abs(np.asarray(ours, dtype=float) - np.asarray(theirs, dtype=float))))
    print(f"equation {equation}: largest deviation {deviation:.1e}")
    assert deviation <= bound


def derivative(f, point, order=1):
    """A derivative of a function of one number with 40 digits."""
    with mpmath.workdps(40):
        return float(mpmath.diff(f, mpmath.mpf(float(point)), order))


def exact_softmax(z):
    e = [mpmath.exp(value) for value in z]
    return [value / mpmath.fsum(e) for value in e]


def moved(z, j, value):
    return [value if k == j else mpmath.mpf(float(old)) for k, old in enumerate(z)]


def exact_loss(z, label=LABEL):
    return mpmath.log(mpmath.fsum(mpmath.exp(value) for value in z)) - z[label]


def standardised(x):
    return (x - x.mean(axis=0)) / x.std(axis=0)


# gradients


def test_equation_4_1_softmax_jacobian():
    theirs = [
        [derivative(lambda v, i=i, j=j: exact_softmax(moved(Z, j, v))[i], Z[j]) for j in range(5)] for i in range(5)
    ]
    agree("4.1", np.diag(P) - np.outer(P, P), theirs, 1e-15)


def test_equation_4_2_chain_rule_through_the_probabilities():
    theirs = [derivative(lambda v, j=j: -mpmath.log(exact_softmax(moved(Z, j, v))[LABEL]), Z[j]) for j in range(5)]
    agree("4.2", (np.diag(P) - np.outer(P, P)) @ (-ONE_HOT / P), theirs, 1e-15)
    agree("4.2", P - ONE_HOT, theirs, 1e-15)


def test_a_library_that_chains_softmax_and_logarithm_gets_nan_where_p_minus_y_is_finite():
    z = torch.tensor([0.0, 800.0], dtype=torch.float64, requires_grad=True)
    (-torch.log(torch.softmax(z, 0))[0]).backward()
    assert torch.isnan(z.grad).any()
    np.testing.assert_array_equal(gradients.cross_entropy_gradient(z.detach().numpy(), np.array(0)), [-1, 1])


def test_equation_4_3_log_sum_exp():
    lse = [derivative(lambda v, j=j: exact_loss(moved(Z, j, v)) + moved(Z, j, v)[LABEL], Z[j]) for j in range(5)]
    agree("4.3", P, lse, 1e-15)
    theirs = [derivative(lambda v, j=j: exact_loss(moved(Z, j, v)), Z[j]) for j in range(5)]
    agree("4.3", gradients.cross_entropy_gradient(Z, np.array(LABEL)), theirs, 1e-15)
    soft = RNG.dirichlet(np.ones(5))
    z = torch.tensor(Z, requires_grad=True)
    F.cross_entropy(z, torch.tensor(soft)).backward()
    agree("4.3 (any probabilities)", P - soft, z.grad, 1e-15)
    ours = float(losses.logsumexp(Z)) - soft @ Z
    agree("4.3 (the loss)", ours, F.cross_entropy(torch.tensor(Z), torch.tensor(soft)).item(), 1e-14)


def test_equation_4_4_weights_by_complex_steps():
    theirs = np.empty_like(W)
    for d, c in np.ndindex(*W.shape):
        shifted = W.astype(complex)
        shifted[d, c] += 1e-30j
        z = X @ shifted
        theirs[d, c] = np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(8), LABELS]).imag / 1e-30
    agree("4.4", X.T @ (losses.softmax(X @ W) - np.eye(3)[LABELS]) / 8, theirs, 1e-15)
    agree("4.4", gradients.softmax_regression_gradient(X, W, LABELS), theirs, 1e-15)


def test_equation_4_4_two_classes():
    w = torch.tensor(W[:, 0], requires_grad=True)
    F.binary_cross_entropy_with_logits(torch.tensor(X) @ w, torch.tensor(BINARY)).backward()
    agree("4.4 (two classes)", X.T @ (losses.sigmoid(X @ W[:, 0]) - BINARY) / 8, w.grad, 1e-15)


def test_equation_4_5_central_differences_err_by_h_squared():
    points = np.array([0.3, 1.2])
    errors = [
        np.abs(np.diag(gradients.finite_differences(np.sin, points, h)) - np.cos(points)) for h in (1e-1, 1e-2, 1e-3)
    ]
    np.testing.assert_allclose(errors[0] / errors[1], 100, rtol=0.01)
    np.testing.assert_allclose(errors[1] / errors[2], 100, rtol=0.01)
    agree("4.5", gradients.finite_differences(np.sin, points, 1e-5), np.diag(np.cos(points)), 1e-10)


# squared error


@pytest.mark.parametrize("y", [0, 1])
@pytest.mark.parametrize("z", [-10.0, -1.0, 0.0, 2.5])
def test_equation_4_6_slope_of_squared_error(z, y):
    p = losses.sigmoid(np.array(z))
    theirs = derivative(lambda v: (1 / (1 + mpmath.exp(-v)) - y) ** 2 / 2, z)
    agree("4.6", (p - y) * p * (1 - p), theirs, 1e-15)
    cross_entropy = derivative(lambda v: mpmath.log(1 + mpmath.exp(v)) - y * v, z)
    agree("4.6 (ratio, relative)", (np.exp(z) + 2 + np.exp(-z)) / (cross_entropy / theirs), 1, 1e-12)


def test_squared_error_behind_a_softmax_stays_in_a_saturated_start_for_2000_steps():
    part = data.digits().split(seed=0)
    x, x_test = (np.column_stack([np.ones(len(a)), a]) for a in (part.x_train, part.x_test))
    y = np.eye(10)[part.y_train]
    accuracy = {}
    for name in ("cross-entropy", "squared"):
        w = np.random.default_rng(0).normal(scale=0.1, size=(65, 10))
        w[0, 0] += 20.0
        for _ in range(2000):
            p = losses.softmax(x @ w)
            slope = p - y
            if name == "squared":
                slope = p * (slope - np.sum(p * slope, axis=1, keepdims=True))
            w -= 0.25 * x.T @ slope / len(x)
        accuracy[name] = np.mean(np.argmax(x_test @ w, axis=1) == part.y_test)
    assert accuracy["squared"] == np.mean(part.y_test == 0) and accuracy["cross-entropy"] > 0.95


# curvature


def test_equation_4_7_hessian():
    theirs = np.empty((5, 5))
    with mpmath.workdps(40):
        for i, j in np.ndindex(5, 5):
            order = [0] * 5
            order[i] += 1
            order[j] += 1
            theirs[i, j] = mpmath.diff(lambda *z: exact_loss(z), [mpmath.mpf(float(v)) for v in Z], tuple(order))
    agree("4.7", gradients.cross_entropy_hessian(Z), theirs, 1e-14)


def test_equation_4_8_curvature_is_a_variance():
    v = RNG.normal(size=5)
    theirs = stats.rv_discrete(values=(np.arange(5), P / P.sum())).expect(lambda k: v[k.astype(int)] ** 2)
    theirs -= stats.rv_discrete(values=(np.arange(5), P / P.sum())).expect(lambda k: v[k.astype(int)]) ** 2
    agree("4.8", v @ gradients.cross_entropy_hessian(Z) @ v, theirs, 1e-14)
    along = derivative(
        lambda t: exact_loss([mpmath.mpf(float(a)) + t * mpmath.mpf(float(b)) for a, b in zip(Z, v, strict=True)]), 0, 2
    )
    agree("4.8 (along a line)", v @ gradients.cross_entropy_hessian(Z) @ v, along, 1e-14)
    agree("4.8 (null vector)", gradients.cross_entropy_hessian(Z) @ np.ones(5), 0, 1e-16)


def test_equation_4_9_hessian_in_the_weights():
    theirs = torch.func.hessian(
        lambda w: F.binary_cross_entropy_with_logits(torch.tensor(X) @ w, torch.tensor(BINARY))
    )(torch.tensor(W[:, 0]))
    p = losses.sigmoid(X @ W[:, 0])
    agree("4.9", X.T @ np.diag(p * (1 - p)) @ X / 8, theirs, 1e-14)
    agree("4.9", gradients.logistic_regression_hessian(X, W[:, 0]), theirs, 1e-14)


def test_equation_4_10_curvature_along_a_line_in_weight_space():
    def loss(t):
        logits = [
            [mpmath.mpf(float(a)) + t * mpmath.mpf(float(b)) for a, b in zip(*rows, strict=True)]
            for rows in zip(X @ W, X @ V, strict=True)
        ]
        return mpmath.fsum(exact_loss(z, y) for z, y in zip(logits, LABELS, strict=True)) / 8

    p, direction = losses.softmax(X @ W), X @ V
    variances = np.sum(p * direction**2, axis=1) - np.sum(p * direction, axis=1) ** 2
    agree("4.10", variances.mean(), derivative(loss, 0, 2), 1e-14)
    hessian = gradients.softmax_regression_hessian(X, W).reshape(9, 9)
    agree("4.10 (Hessian)", V.ravel() @ hessian @ V.ravel(), variances.mean(), 1e-14)
    assert np.linalg.eigvalsh(hessian).min() > -1e-15


# Newton, and what holds at the bottom


def newton(x, y, classes, steps):
    """Penalised softmax regression (C = 1, free biases) by plain Newton steps; columns of ones come first."""
    penalty = np.ones((x.shape[1], classes))
    penalty[0] = 0
    w = np.zeros_like(penalty)
    for _ in range(steps):
        gradient = len(y) * gradients.softmax_regression_gradient(x, w, y) + penalty * w
        hessian = len(y) * gradients.softmax_regression_hessian(x, w).reshape(w.size, w.size) + np.diag(penalty.ravel())
        w -= np.linalg.lstsq(hessian, gradient.ravel())[0].reshape(w.shape)
    return w, float(losses.cross_entropy(x @ w, y, reduction="sum")) + 0.5 * np.sum((penalty * w) ** 2)


@pytest.mark.parametrize(
    ("name", "steps", "weights_to"), [("iris", 10, 1e-12), ("wine", 10, 1e-12), ("digits", 12, 1e-11)]
)
def test_equation_4_11_newton_reaches_scikit_learns_optimum(name, steps, weights_to):
    if name == "wine":
        features, y = load_wine(return_X_y=True)
    else:
        features, y = getattr(data, name)().x, getattr(data, name)().y
    spread = features.std(axis=0)
    features = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    classes = int(y.max()) + 1
    w, loss = newton(np.column_stack([np.ones(len(y)), features]), y, classes, steps)
    model = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-12, max_iter=100).fit(features, y)
    theirs = np.vstack([model.intercept_, model.coef_.T])
    reference = losses.cross_entropy(features @ model.coef_.T + model.intercept_, y, reduction="sum")
    reference = float(reference) + 0.5 * np.sum(model.coef_**2)
    agree(f"4.11 ({name}, loss, relative)", loss / reference, 1, 1e-13)
    agree(f"4.11 ({name}, weights)", w, theirs, weights_to)
    if name == "iris":
        agree("4.11 (iris, the loss in full)", loss, 31.37876826079647, 1e-12)


def tumours():
    cancer = data.breast_cancer()
    return np.column_stack([np.ones(569), standardised(cancer.x[:, :5])]), cancer.y.astype(float)


def test_equation_4_11_newton_converges_quadratically_on_the_tumours():
    x, y = tumours()
    w, sizes = np.zeros(6), []
    for _ in range(10):
        gradient = gradients.logistic_regression_gradient(x, w, y)
        sizes.append(569 * np.linalg.norm(gradient))
        w -= np.linalg.solve(gradients.logistic_regression_hessian(x, w), gradient)
    assert [f"{size:.1e}" for size in sizes[7:9]] == ["5.8e-03", "2.4e-06"] and sizes[9] < 1e-12
    minimum = optimize.minimize(
        lambda w: float(losses.binary_cross_entropy_with_logits(x @ w, y)),
        np.zeros(6),
        jac=lambda w: gradients.logistic_regression_gradient(x, w, y),
        method="BFGS",
        options={"gtol": 1e-12, "maxiter": 1000},
    )
    agree("4.11 (tumours, against BFGS)", float(losses.binary_cross_entropy_with_logits(x @ w, y)), minimum.fun, 1e-13)


def test_equation_4_12_moments_match_at_scikit_learns_optimum():
    x, y = tumours()
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12).fit(x[:, 1:], y)
    p = model.predict_proba(x[:, 1:])[:, 1]
    agree("4.12", p @ x / 569, y @ x / 569, 1e-12)
    agree("4.12 (base rate)", p.mean(), 0.6274165202108963, 1e-12)


# for the curious


@pytest.mark.parametrize(("loss", "unit"), [(2.86, 2.0**-53), (0.7, 2.0**-24), (40.0, 2.0**-53)])
def test_equation_4_13_best_step_by_minimisation(loss, unit):
    m = np.sqrt(3) / 18
    found = optimize.minimize_scalar(
        lambda log_h: np.log(m / 6 * np.exp(2 * log_h) + unit * loss / np.exp(log_h)), (-20, 0), tol=1e-12
    )
    agree("4.13 (relative)", np.exp(found.x) / np.cbrt(3 * unit * loss / m), 1.0, 1e-5)


def test_equation_4_13_third_derivative_and_its_bound():
    for p in (0.1, 0.4, 0.9):
        z = [float(np.log(p)), float(np.log(1 - p))]  # class 0 has probability p, the rest is constant
        third = derivative(lambda v, z=z: exact_loss([v, mpmath.mpf(z[1])], 1), z[0], 3)
        agree("4.13 (third derivative)", p * (1 - p) * (1 - 2 * p), third, 1e-14)
    largest = optimize.minimize_scalar(lambda p: -p * (1 - p) * (1 - 2 * p), bounds=(0, 0.5), method="bounded")
    agree("4.13 (M)", -largest.fun, np.sqrt(3) / 18, 1e-9)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_equation_4_13_describes_the_package_own_loss(dtype):
    z, label = np.array([2.25, -2.0, -2.5, 0.25, -1.25]), np.array(3)
    exact = gradients.cross_entropy_gradient(z, label)
    steps = 10.0 ** np.arange(-10 if dtype == "float64" else -5, 0.1, 0.5)
    errors = np.array(
        [
            np.abs(
                gradients.finite_differences(lambda t: losses.cross_entropy(t, label), z.astype(dtype), h) - exact
            ).max()
            for h in steps
        ]
    )
    unit, loss, m = np.finfo(dtype).eps / 2, float(losses.cross_entropy(z, label)), np.sqrt(3) / 18
    assert np.all(errors < 5 * (m / 6 * steps**2 + unit * loss / steps))
    assert 0.1 < steps[errors.argmin()] / np.cbrt(3 * unit * loss / m) < 10


def test_equation_4_14_fisher_information():
    theirs = np.zeros((5, 5))
    for label in range(5):
        z = torch.tensor(Z, requires_grad=True)
        F.cross_entropy(z, torch.tensor(label)).backward()
        theirs += P[label] * np.outer(z.grad, z.grad)
    agree("4.14", gradients.cross_entropy_hessian(Z), theirs, 1e-15)


def test_equation_4_15_largest_eigenvalue():
    def largest(z):
        return -np.linalg.eigvalsh(gradients.cross_entropy_hessian(z))[-1]

    starts = np.random.default_rng(0).normal(size=(5, 4))
    found = min(optimize.minimize(largest, start, method="Nelder-Mead").fun for start in starts)
    assert found >= -0.5 - 1e-12
    agree("4.15", -found, 0.5, 1e-3)
    agree("4.15 (two classes at a half)", -largest(np.array([0.0, 0.0, -60.0])), 0.5, 1e-15)
    bound = 0.5 * (np.eye(5) - np.ones((5, 5)) / 5)
    for p in np.random.default_rng(0).dirichlet(np.full(5, 0.3), 200):
        assert np.linalg.eigvalsh(bound - np.diag(p) + np.outer(p, p)).min() > -1e-14


def test_equation_4_16_rescaled_squared_error():
    kappa, m = 4.0, 3.0
    features, labels = data.iris().x, data.iris().y
    x, fits = np.column_stack([np.ones(150), features]), []
    for target in (1.0, m):  # numerical minima: m only multiplies the weights
        hits = np.eye(3)[labels]

        def loss(w, hits=hits, target=target):
            return np.mean(np.where(hits == 1, kappa, 1.0) * (x @ w.reshape(5, 3) - target * hits) ** 2)

        fits.append(optimize.minimize(loss, np.zeros(15), method="BFGS", options={"gtol": 1e-7}).x.reshape(5, 3))
    agree("4.16 (a minimum scales with m)", fits[1], m * fits[0], 1e-3)
    root = np.sqrt(np.where(hits == 1, kappa, 1.0))
    for c in range(3):  # weighted least squares, a class at a time
        theirs = np.linalg.lstsq(x * root[:, [c]], root[:, c] * hits[:, c])[0]
        agree("4.16 (each class by itself)", fits[0][:, c], theirs, 1e-3)
