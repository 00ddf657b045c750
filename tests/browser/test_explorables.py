"""Each explorable in a real browser without a network: its numbers are the helpers', by finger and by keyboard."""

import base64
import random
import re

import numpy as np
import pytest
import torch
from torch import nn

from tools import recorded
from tools.explorables import page as page_of
from xent_helpers import calibration, data, explorables, gradients, information, likelihood, losses

SETTINGS = 50
SET = """([index, value]) => {
    const input = document.querySelectorAll("input[type=range]")[index];
    input.value = value;
    input.dispatchEvent(new Event("input"));
}"""


@pytest.fixture
def show(browser):
    """A function that opens one explorable and returns its page."""
    opened, errors = [], []

    def show(name, width=780):
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.context.set_offline(True)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.set_content(page_of(name))
        opened.append(page)
        return page

    yield show
    for page in opened:
        page.close()
    assert not errors


def numbers(page) -> list[float]:
    """The numbers in the sentence below the figure."""
    said = page.locator("output").inner_text().replace("−", "-").replace("∞", "inf")
    return [float(one) for one in re.findall(r"-?(?:inf|\d+(?:\.\d+)?(?:e-?\d+)?)(?![\w₀-₉])", said)]


def shows(shown: float, exact: float, digits: int = 4) -> bool:
    return shown == exact or abs(shown - exact) <= 0.51 * 10**-digits


def test_coin(show):
    page, rng = show("coin"), random.Random(0)
    flips = [1, 1, 0, 1, 0, 1, 1, 0, 1, 1]
    for _ in range(SETTINGS):
        turned, theta = rng.randrange(10), rng.randrange(1, 100) / 100
        page.locator("button").nth(turned).click()
        flips[turned] ^= 1
        page.evaluate(SET, [0, theta])
        heads, _, _, product, mean, best, floor = numbers(page)
        nats = -likelihood.bernoulli_log_likelihood(np.array(theta), np.array(flips))
        share = np.mean(flips)
        assert shows(best, share, 1)
        assert heads == sum(flips) and shows(mean, nats / 10)
        assert product == pytest.approx(np.exp(-nats), rel=6e-3)
        assert shows(floor, information.entropy(np.array([share, 1 - share])))


def test_two(show):
    page, rng = show("two"), random.Random(1)
    for _ in range(SETTINGS):
        q, p = (sorted(rng.randrange(21) for _ in range(2)) for _ in range(2))
        q, p = ([d[0] / 20, (d[1] - d[0]) / 20, 1 - d[1] / 20] for d in (q, p))
        for index, value in enumerate([q[0], q[1], p[0], p[1], q[0], q[1], p[0], p[1]]):
            page.evaluate(SET, [index % 4, value])
        found = numbers(page)
        exact = [
            information.nats_to_bits(function(*map(np.array, pair)))
            for function, pair in (
                (information.entropy, (q,)),
                (information.kl_divergence, (q, p)),
                (information.cross_entropy, (q, p)),
            )
        ]
        assert all(shows(one, float(two)) for one, two in zip(found, exact, strict=True)), (q, p, found, exact)
    before = page.locator("output").inner_text()
    page.get_by_role("button", name="swap").click()
    page.get_by_role("button", name="swap").click()
    assert page.locator("output").inner_text() == before


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_gap(show, dtype):
    page, rng = show("gap"), random.Random(2)
    page.get_by_label("type").select_option(dtype)
    for side in ("ahead", "behind"):
        page.get_by_label("the label's score is").select_option(side)
        for _ in range(SETTINGS // 2):
            place = rng.randrange(201)
            page.evaluate(SET, [0, place])
            gap = place / 4 if place <= 100 else 25 * 40 ** ((place - 100) / 100)
            lead = np.array(gap, dtype).astype(np.float64) * (1 if side == "ahead" else -1)
            said = page.locator("output").inner_text().replace("−", "-")
            loss = float(re.search(r"the loss is (\S+) nats", said)[1])
            assert loss == pytest.approx(float(losses.softplus(-lead)), rel=6e-4)
            rows = dict(re.findall(r"(naive|… with 1e-7 added|largest subtracted|… and log1p): ([\d.]+)", said))
            with np.errstate(all="ignore"):
                naive = naive_loss(lead, np.dtype(dtype).type)
            nearest = np.dtype(dtype).type(losses.softplus(-lead))
            if not np.isfinite(naive):
                assert float(rows["naive"]) == 0
            elif abs(float(naive) - float(nearest)) > 0.5 * float(nearest) > 0:
                assert float(rows["naive"]) < 0.5


def naive_loss(lead, kind):
    """−log of the softmax of (lead, 0) or (0, −lead), step by step in one type."""
    z, other = (kind(lead), kind(0)) if lead >= 0 else (kind(0), kind(-lead))
    e, rival = np.exp(z), np.exp(other)
    return -np.log(e / (e + rival))


def test_push(show):
    page, rng = show("push"), random.Random(3)
    for _ in range(SETTINGS):
        z, label = [rng.randrange(-80, 81) / 10 for _ in range(3)], rng.randrange(3)
        page.get_by_label("label", exact=True).select_option(str(label))
        for index, value in enumerate(z):
            page.evaluate(SET, [index, value])
        loss, *rest = numbers(page)
        scores, target = np.array([z]), np.array([label])
        p, gradient = losses.softmax(scores)[0], gradients.cross_entropy_gradient(scores, target)[0]
        jacobian = gradients.softmax_jacobian(scores)[0]
        assert shows(loss, float(losses.cross_entropy(scores, target)))
        exact = [*p, *gradient, *(jacobian @ (p - np.eye(3)[label]))]
        assert all(shows(one, two, 3) for one, two in zip(rest, exact, strict=True)), (rest, exact)


def test_target(show):
    page, rng = show("target"), random.Random(4)
    for _ in range(10):
        epsilon = rng.randrange(51) / 100
        page.evaluate(SET, [0, epsilon])
        q = np.full(10, epsilon / 10) + (1 - epsilon) * np.eye(10)[0]
        z = np.zeros(10)
        for steps in range(200, 1200, 200):
            page.get_by_role("button", name="200 steps").click()
            for _ in range(200):
                z -= losses.softmax(z) - q
            shown = numbers(page)
            limit = np.log(q[0] / q[1]) if epsilon else np.inf
            exact = [epsilon, steps, z[0] - z[1], limit, losses.cross_entropy(z, q), information.entropy(q)]
            assert all(shows(one, float(two)) for one, two in zip(shown, exact, strict=True)), (shown, exact)


TYPE = """([index, value]) => {
    const input = document.querySelectorAll("input[type=number]")[index];
    input.value = value;
    input.dispatchEvent(new Event("input"));
}"""
ACTIVATIONS = {
    "none": lambda z: z,
    "softmax": lambda z: z.softmax(dim=1),
    "log_softmax": lambda z: z.log_softmax(dim=1),
    "sigmoid": torch.sigmoid,
}


@pytest.mark.parametrize("name", ["CrossEntropyLoss", "NLLLoss", "BCEWithLogitsLoss", "BCELoss", "KLDivLoss"])
def test_machine(show, name):
    """What the loss machine says is what PyTorch returns, or PyTorch refuses too."""
    page, rng = show("machine"), random.Random(5)
    page.get_by_label("loss", exact=True).select_option(name)
    refused = 0
    for _ in range(SETTINGS):
        z = torch.tensor([[rng.randrange(-60, 61) / 10 for _ in range(3)] for _ in range(4)], dtype=torch.float64)
        y = torch.tensor([rng.randrange(2 if name == "BCELoss" else 3) for _ in range(4)])
        weight = torch.tensor([rng.choice([0.5, 1, 2, 3]) for _ in range(3)], dtype=torch.float64)
        positive, epsilon = rng.choice([1, 3]), rng.randrange(11) / 20
        kind = rng.choice(["class indices", "one-hot rows", "soft rows"])
        act, ignore = rng.choice(list(ACTIVATIONS)), rng.choice(["none", "0", "1", "2"])
        reduction = rng.choice(["mean", "mean", "sum", "none", "batchmean"])
        for index, value in enumerate([*weight.tolist(), positive, *z.flatten().tolist()]):
            page.evaluate(TYPE, [index, value])
        page.evaluate(SET, [0, epsilon])
        for place, choices in {"labels": kind, "activation before the loss": act, "ignore_index": ignore}.items():
            page.locator(f'[aria-label="{place}"]').evaluate(CHOOSE, choices)
        page.get_by_label("reduction").select_option(reduction)
        for sample, label in enumerate(y.tolist(), 1):
            page.get_by_label(f"label of sample {sample}").select_option(str(label))
        said = page.locator("output").inner_text().replace("−", "-")
        try:
            exact = torch_loss(name, z, y, kind, act, weight, positive, ignore, epsilon, reduction).flatten().tolist()
        except (RuntimeError, ValueError):
            exact = None
            refused += 1
        assert ("PyTorch raises an error" in said) == (exact is None), said
        if exact is not None:
            returned = re.search(r": (.*?)\.(?: Warning|$)", said)[1]
            shown = [float(one) for one in re.findall(r"-?\d+\.\d+|NaN", returned)]
            same = [shows(one, two) or (np.isnan(one) and np.isnan(two)) for one, two in zip(shown, exact, strict=True)]
            assert all(same), (said, exact)
    assert refused < SETTINGS


CHOOSE = "(select, value) => { select.value = value; select.dispatchEvent(new Event('change')); }"


def torch_loss(name, z, y, kind, act, weight, positive, ignore, epsilon, reduction):
    """PyTorch's own answer to a setting of the loss machine."""
    options = {"reduction": reduction}
    if name.startswith("BCE"):
        if name == "BCEWithLogitsLoss":
            options["pos_weight"] = torch.tensor(float(positive))
        return getattr(nn, name)(**options)(ACTIVATIONS[act](z[:, :1])[:, 0], y.double())
    target = y
    if kind != "class indices":
        onehot = nn.functional.one_hot(y, 3).double()
        target = onehot if kind == "one-hot rows" else 0.1 + 0.7 * onehot
    if name != "KLDivLoss":
        options["weight"] = weight
        if ignore != "none":
            options["ignore_index"] = int(ignore)
    if name == "CrossEntropyLoss":
        options["label_smoothing"] = epsilon
    return getattr(nn, name)(**options)(ACTIVATIONS[act](z), target)


def test_machine_warns_of_what_raises_no_error(show):
    page = show("machine")
    lit = page.locator(".lit")
    assert lit.count() == 0
    page.get_by_label("activation before the loss").select_option("softmax")
    assert lit.count() == 1 and "squashed twice" in lit.inner_text()
    page.get_by_label("loss", exact=True).select_option("NLLLoss")
    assert "log_softmax" in lit.inner_text()
    page.get_by_label("activation before the loss").select_option("log_softmax")
    assert lit.count() == 0
    page.get_by_label("loss", exact=True).select_option("BCELoss")
    for sample in range(1, 5):
        page.get_by_label(f"label of sample {sample}").select_option("1")
    assert "over one score" in lit.first.inner_text()
    page.get_by_label("activation before the loss").select_option("sigmoid")
    assert lit.count() == 0
    page.get_by_label("score of class 0, sample 1").fill("40")
    assert "float32" in lit.inner_text()


def test_epochs(show):
    """At each epoch the figure says what the recorded run gives, and the recorded run is chapter 6's."""
    page, run = show("epochs"), recorded.epochs()
    labels = np.array([int(label) for label in run["labels"]])
    for epoch, moment in enumerate(run["moments"]):
        page.evaluate(SET, [0, epoch])
        said = np.array([int(decision) for decision in moment["said"]])
        shown = numbers(page)
        exact = [epoch, moment["train"], moment["validation"], (said == labels).sum(), 360, moment["costs"][0][1]]
        assert np.allclose(shown, exact, atol=6e-3), (shown, exact)
        assert page.locator(".costly canvas").count() == recorded.COSTLY
    page.get_by_role("button", name="play").click()
    page.wait_for_function("document.querySelector('output').textContent.startsWith('Epoch 1:')")
    page.get_by_role("button", name="stop").click()


def test_honesty(show):
    page, rng, run = show("honesty"), random.Random(6), recorded.honesty()
    labels = np.array([int(label) for label in run["labels"]])
    z = np.frombuffer(base64.b64decode(run["logits"]), "<i2").reshape(-1, 10) / 100
    for _ in range(SETTINGS):
        place, ratio = rng.randrange(81), rng.randrange(1, 21)
        page.evaluate(SET, [0, place])
        page.evaluate(SET, [1, ratio])
        T = 0.25 * 40 ** (place / 80)
        p = losses.softmax(z / T)
        confidence, right = p.max(axis=1), p.argmax(axis=1) == labels
        acts, eight, bar = p[:, 8] > 1 / (1 + ratio), labels == 8, 1 / (1 + ratio)
        cost = np.where(acts, 1.0 * ~eight, ratio * eight).mean()
        ece = calibration.expected_calibration_error(confidence, right, 15)
        shown = numbers(page)
        assert shown[1:3] == [right.sum(), len(labels)]
        exact = [confidence.mean(), losses.cross_entropy(z / T, labels), ece, bar, cost]
        assert all(shows(one, float(two)) for one, two in zip(shown[3:], exact, strict=True)), (shown, exact)


def test_bytes(show):
    page, rng, text = show("bytes"), random.Random(7), data.text()
    symbols, ids = np.unique(np.frombuffer(text, np.uint8), return_inverse=True)
    C = len(symbols)
    for _ in range(SETTINGS):
        start, shift, place = rng.randrange(len(text) - 60), rng.randrange(3), rng.randrange(4)
        typed = text[start : start + rng.randrange(3, 60)]
        page.get_by_label("text").fill(typed.decode())
        page.get_by_label("shift").select_option(str(shift))
        page.evaluate(SET, [0, place])
        both = ids[: len(ids) - shift] * C + ids[shift:]
        n = np.bincount(both, minlength=C * C).reshape(C, C) + [0, 0.01, 0.1, 1][place]
        p = n / n.sum(axis=1, keepdims=True)
        own = np.searchsorted(symbols, np.frombuffer(typed, np.uint8))
        bits = -np.log2(p[own[: len(own) - shift], own[shift:]]).mean()
        _, _, mean, count, perplexity = numbers(page)
        assert count == len(typed) - shift and shows(mean, bits) and shows(perplexity, 2**bits, 2)
    page.get_by_label("text").fill("qué")
    page.get_by_label("shift").select_option("1")
    assert "Left out: 1" in page.locator("output").inner_text()
    page.evaluate(SET, [0, 0])
    page.get_by_label("text").fill("qz")
    assert "∞" in page.locator("output").inner_text()


@pytest.mark.parametrize("name", explorables.ALTERNATIVES)
def test_keyboard_phone_and_speed(show, name):
    page = show(name, width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    said = page.locator("output")
    before = said.inner_text()
    page.locator("input[type=range]").first.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert said.inner_text() != before
    assert page.locator("figure img").is_hidden()
    changed = page.evaluate(
        """() => {
            const input = document.querySelector("input[type=range]");
            const values = [0.2, 0.8].map((share) => Number(input.min) + share * (input.max - input.min));
            const said = new Set();
            for (let i = 0; i < 60; i++) {
                input.value = values[i % 2];
                input.dispatchEvent(new Event("input"));
                said.add(document.querySelector("output").textContent);
            }
            return said.size;
        }"""
    )
    assert changed >= 2


@pytest.mark.parametrize("name", explorables.ALTERNATIVES)
def test_without_scripts_the_picture_stays(browser, name):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_content(page_of(name))
    assert page.locator("figure img").is_visible() and page.locator("figure output").count() == 0
    context.close()


@pytest.mark.parametrize("name", explorables.ALTERNATIVES)
def test_axe_finds_nothing(show, name):
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(show(name), options={"runOnly": ["wcag2a", "wcag2aa"]}).response["violations"]
    assert not found, [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found]
