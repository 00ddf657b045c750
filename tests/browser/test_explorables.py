"""Each explorable in a real browser without a network: its numbers are the helpers', by finger and by keyboard."""

import random
import re

import numpy as np
import pytest

from tools.explorables import page as page_of
from xent_helpers import explorables, gradients, information, likelihood, losses

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
        heads, _, _, product, mean, floor = numbers(page)
        nats = -likelihood.bernoulli_log_likelihood(np.array(theta), np.array(flips))
        share = np.mean(flips)
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
            rows = dict(
                re.findall(r"(softmax, then log|… with 1e-7 added|largest subtracted|… and log1p): ([\d.]+)", said)
            )
            with np.errstate(all="ignore"):
                naive = naive_loss(lead, np.dtype(dtype).type)
            nearest = np.dtype(dtype).type(losses.softplus(-lead))
            if not np.isfinite(naive):
                assert float(rows["softmax, then log"]) == 0
            elif abs(float(naive) - float(nearest)) > 0.5 * float(nearest) > 0:
                assert float(rows["softmax, then log"]) < 0.5


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
