"""How each public function is called, and what its result must keep: the input's device and its type.

A new function must be entered in one of the lists; ``test_every_function.py`` says so when it is in none.
"""

import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from importlib import import_module

import torch
from array_api_compat import array_namespace, is_array_api_obj
from array_api_compat import device as device_of
from torch import nn

import xent_helpers
from xent_helpers import losses, replicas, validation

CPU = torch.device("cpu")
PROBABILITIES = [[0.5, 0.25, 0.25], [0.125, 0.625, 0.25], [0.25, 0.25, 0.5], [1.0, 0.0, 0.0]]


class Inputs:
    """Arguments for any function, made by ``array(values, dtype)`` on one device, in one floating type."""

    def __init__(self, array: Callable, dtype: object, integer: object) -> None:
        self.logits = array([[0.5, 1.0, 0.125], [0.25, -0.5, 1.0], [0.75, 0.375, -0.25], [1.0, -0.25, 0.5]], dtype)
        self.p, self.q = array(PROBABILITIES, dtype), array([[0.25, 0.25, 0.5]] * 4, dtype)
        self.labels, self.bits = array([1, 2, 0, 0], integer), array([1, 0, 0, 1], integer)
        self.mistaken = array([0, 2, 0, 0], integer)  # a temperature is fitted to samples with mistakes
        self.weight, self.prior = array([0.5, 1.0, 2.0], dtype), array([0.25, 0.25, 0.5], dtype)
        self.yes, self.share = array([1.0, 0.0, 0.0, 1.0], dtype), array([0.75, 0.5, 0.25, 0.625], dtype)
        self.matrix = array([[0.75, 0.125, 0.125], [0.125, 0.75, 0.125], [0.125, 0.125, 0.75]], dtype)
        self.x, self.w = array([[1.0, 0.5], [0.25, -1.0], [0.0, 2.0], [-0.5, 1.0]], dtype), array([0.5, -0.25], dtype)
        self.W = array([[0.5, -0.25, 0.125], [0.25, 0.75, -0.5]], dtype)
        self.dtype, self.integer = dtype, integer


# What follows the array API standard: any array library, any device.
STANDARD = {
    "calibration.reliability": lambda f, a: f(a.share, a.bits == 1, bins=4),
    "calibration.expected_calibration_error": lambda f, a: f(a.share, a.bits == 1, bins=4),
    "calibration.fit_temperature": lambda f, a: f(a.logits, a.mistaken),
    "calibration.slope_and_curvature": lambda f, a: f(a.logits, 1.5),
    "calibration.shift_prior": lambda f, a: f(a.logits, a.prior, a.matrix[0, :]),
    "calibration.shift_prior_probs": lambda f, a: f(a.p, a.prior, a.matrix[0, :]),
    "gradients.softmax_jacobian": lambda f, a: f(a.logits),
    "gradients.cross_entropy_gradient": lambda f, a: f(a.logits, a.labels),
    "gradients.cross_entropy_hessian": lambda f, a: f(a.logits),
    "gradients.softmax_regression_gradient": lambda f, a: f(a.x, a.W, a.labels),
    "gradients.softmax_regression_hessian": lambda f, a: f(a.x, a.W),
    "gradients.logistic_regression_gradient": lambda f, a: f(a.x, a.w, a.yes),
    "gradients.logistic_regression_hessian": lambda f, a: f(a.x, a.w),
    "gradients.finite_differences": lambda f, a: f(lambda z: losses.cross_entropy(z, a.labels), a.logits, 0.25),
    "information.mean_surprise": lambda f, a: f(a.p, a.q),
    "information.entropy": lambda f, a: f(a.p),
    "information.cross_entropy": lambda f, a: f(a.p, a.q),
    "information.kl_divergence": lambda f, a: f(a.p, a.q),
    "information.brier_score": lambda f, a: f(a.p, a.q),
    "information.perplexity": lambda f, a: f(a.share),
    "information.nats_to_bits": lambda f, a: f(a.share),
    "likelihood.class_counts": lambda f, a: f(a.labels, 3),
    "likelihood.bernoulli_log_likelihood": lambda f, a: f(a.share, a.bits),
    "likelihood.bernoulli_mle": lambda f, a: f(a.bits),
    "likelihood.categorical_log_likelihood": lambda f, a: f(a.prior, a.labels),
    "likelihood.categorical_mle": lambda f, a: f(a.labels, 3),
    "losses.label_surprisal": lambda f, a: f(a.logits, validation.as_int64(a.labels)),
    "losses.surprisal": lambda f, a: f(a.logits, losses.one_hot(a.labels, 3) == 1),
    "losses.expected_surprisal": lambda f, a: f(a.logits, a.p),
    "losses.softplus": lambda f, a: f(a.logits),
    "losses.logsumexp": lambda f, a: f(a.logits),
    "losses.log_softmax": lambda f, a: f(a.logits),
    "losses.softmax": lambda f, a: f(a.logits),
    "losses.sigmoid": lambda f, a: f(a.logits),
    "losses.log_sigmoid": lambda f, a: f(a.logits),
    "losses.one_hot": lambda f, a: f(a.labels, 3),
    "losses.nll_loss": lambda f, a: f(losses.log_softmax(a.logits), a.labels, weight=a.weight, ignore_index=2),
    "losses.cross_entropy": lambda f, a: (
        f(a.logits, a.labels, weight=a.weight, ignore_index=2, label_smoothing=0.125),
        f(a.logits, a.p, weight=a.weight, reduction="none"),
        f(a.logits[0, :], a.labels[0]),
    ),
    "losses.binary_cross_entropy": lambda f, a: f(a.share, a.yes, weight=a.share),
    "losses.binary_cross_entropy_with_logits": lambda f, a: f(a.logits, a.p, weight=a.weight, pos_weight=a.prior),
    "sums.side_by_side": lambda f, a: f(a.p, 0),
    "sums.total": lambda f, a: f(a.p, 0),
    "sums.total_without_drift": lambda f, a: f(a.p),
    "targets.smoothed": lambda f, a: f(a.p, 0.125),
    "targets.distillation_loss": lambda f, a: f(a.logits, a.W[:1, :] * a.p, 2.0),
    "targets.forward_loss": lambda f, a: f(a.logits, a.labels, a.matrix),
    "targets.generalised_cross_entropy": lambda f, a: f(a.logits, a.labels),
    "targets.focal_loss": lambda f, a: f(a.logits, a.labels),
    "validation.as_int64": lambda f, a: f(a.labels),
    "validation.check_arrays": lambda f, a: f(logits=a.logits, target=a.labels, weight=a.weight) and None,
    "validation.check_floating": lambda f, a: f(logits=a.logits),
    "validation.check_axis": lambda f, a: f("logits", a.logits, -1),
    "validation.check_same_shape": lambda f, a: f("p", a.p, "q", a.q),
    "validation.check_probabilities": lambda f, a: f("p", a.p, ""),
    "validation.labels_fit": lambda f, a: f(validation.as_int64(a.labels), 3),
    "validation.check_labels": lambda f, a: f("labels", a.labels, 3, a.bits == 0),
    "validation.check_samples": lambda f, a: f("labels", a.labels),
    "validation.check_weight": lambda f, a: f(a.weight, 3),
    "validation.check_broadcast": lambda f, a: f("weight", a.weight, (4, 3)),
    "validation.check_class_scores": lambda f, a: f("logits", a.logits),
    "validation.check_class_target": lambda f, a: f("logits", a.logits, a.labels, True),
    "validation.check_soft_target": lambda f, a: f(a.p, -100),
    "validation.check_index_type": lambda f, a: f("labels", a.labels),
    "validation.check_linear_model": lambda f, a: f(a.x, a.W, True),
    "validation.check_distributions": lambda f, a: f(-1, p=a.p),
    "validation.check_not_negative": lambda f, a: f(p=a.p),
    "validation.check_logits": lambda f, a: f("logits", a.logits),
    "validation.check_readable": lambda f, a: f(logits=a.logits),
    "validation.any_true": lambda f, a: f(a.p > 2),
    "validation.refuse_entries": lambda f, a: f("p", a.p, a.p > 2, ""),
}


def _linear(a: Inputs) -> nn.Module:
    layer = nn.Linear(2, 3, device=a.x.device, dtype=a.dtype)
    nn.init.zeros_(layer.bias)
    layer.weight.data.copy_(a.W.T)
    return layer


def _step(f: Callable, a: Inputs) -> object:
    model = _linear(a)
    result = f(model, torch.optim.SGD(model.parameters(), lr=0.5), losses.cross_entropy, a.x, a.labels)
    return result, *(parameter.detach() for parameter in model.parameters())


def _train(f: Callable, a: Inputs) -> object:
    """The parts may lie elsewhere; the model goes to the device that is named."""
    model, part = _linear(a).cpu(), (a.x.cpu(), a.labels.cpu())
    history = f(model, part, part, losses.cross_entropy, epochs=2, batch_size=2, device=a.x.device)
    assert history.train[-1].loss < history.train[0].loss
    return [parameter.detach() for parameter in model.parameters()]


def _fit(f: Callable, a: Inputs) -> object:
    model = replicas.Replicas(2, (2, 4, 3)).to(a.x.device, a.dtype)
    x, labels = torch.stack([a.x, a.x]), torch.stack([a.labels, a.labels])
    f(model, losses.cross_entropy, x, labels, steps=3, batch_size=2)
    return model(x).detach()


# What is for torch: tensors on any device.
TORCH = {
    "fused.fused_cross_entropy": lambda f, a: f(a.logits, a.labels),
    "fused.path": lambda f, a: f(a.logits),
    "fused.surprise": lambda f, a: f(
        a.logits, a.labels[:, None], torch.ones_like(a.logits[:, :1]), torch.empty_like(a.logits), False
    ),
    "validation.check_tensors": lambda f, a: f(logits=a.logits, target=a.labels) and None,
    "validation.check_linear_layer": lambda f, a: f(a.x, a.W.T, None) and None,
    "fused.linear_cross_entropy": lambda f, a: f(a.x, a.W.T, a.labels),
    "calls.value_and_gradient": lambda f, a: f(losses.cross_entropy, a.logits, a.labels),
    "compare.textbook": lambda f, a: f(a.logits, a.labels),
    "compare.three_ways": lambda f, a: f("cross_entropy", {"": (0.0, a.logits, a.labels, {})}) is None,
    "compare.complaint": lambda f, a: f(losses.cross_entropy, a.logits, a.labels),
    "replicas.accuracy": lambda f, a: f(nn.Identity(), a.logits[None], a.labels[None]).to(a.dtype),
    "replicas.fit": _fit,
    "training.decide": lambda f, a: (f(a.logits), f(a.logits[:, :1])),
    "training.evaluate": lambda f, a: f(_linear(a), a.x.cpu(), a.labels.cpu(), losses.cross_entropy, batch_size=3)[1:],
    "training.step": _step,
    "training.train": _train,
}

# What takes no array, or only ones of NumPy or of the CPU, and why that is right.
WITHOUT = {
    "calibration.Reliability": "a record of what reliability returns",
    "calls.Call": "a record on the CPU; test_compare runs it on each device",
    "calls.calls": "makes its own on the CPU; test_compare runs them on each device",
    "coding.shannon_lengths": "returns whole numbers for a list of probabilities",
    "coding.huffman_code": "returns code words for a list of probabilities",
    "coding.SymbolModel": "a type of functions on Python's own numbers",
    "coding.arithmetic_encode": "computes with Python's whole numbers",
    "coding.arithmetic_decode": "computes with Python's whole numbers",
    "compare.agreement": "takes devices; test_compare runs it on each",
    "compare.share_of_bound": "compares numbers that have been brought to the CPU",
    "compare.verdicts": "takes a table",
    "compare.beside": "takes devices; test_compare runs it on each",
    "compare.units_by_margin": "takes devices; test_compare runs it on each",
    "compare.units_apart": "compares numbers that have been brought to the CPU",
    "compare.show_recorded": "reads a file",
    "compare.speed_and_memory": "takes devices; test_compare runs it on each",
    "compare.show": "takes a table",
    "data.text": "returns bytes",
    "data.Split": "holds NumPy arrays; its tensors are tested below",
    "data.Part": "holds NumPy arrays; its tensors are tested with the data sets",
    "data.ThreeParts": "holds NumPy arrays",
    "data.DataSet": "holds NumPy arrays",
    "data.iris": "returns NumPy arrays",
    "data.breast_cancer": "returns NumPy arrays",
    "data.digits": "returns NumPy arrays",
    "data.diagnoses": "returns a NumPy array",
    **dict.fromkeys(
        [
            "devices." + name
            for name in ("available", "accelerators", "synchronize", "compiles_triton", "widest_float", "reproducible")
        ],
        "takes a device; test_devices runs it on each",
    ),
    "devices.milliseconds": "takes a device; test_devices runs it on each",
    "devices.peak_bytes": "takes a device; test_devices runs it on each",
    "devices.last_words": "takes a device; test_devices runs it on each",
    "exact.Exact": "holds mpmath's numbers",
    "exact.softmax": "computes with mpmath's numbers",
    "exact.cross_entropy": "computes with mpmath's numbers",
    "exact.nll_loss": "computes with mpmath's numbers",
    "exact.binary_cross_entropy": "computes with mpmath's numbers",
    "exact.binary_cross_entropy_with_logits": "computes with mpmath's numbers",
    "replicas.Replicas": "starts on the CPU, as every module does; fit moves with it, above",
    "replicas.splits": "splits NumPy arrays; tensors on the CPU come out, which .to moves",
    "replicas.three_parts": "splits NumPy arrays, as splits does",
    "replicas.Sweep": "holds what was measured, on the CPU",
    "replicas.sweep": "returns what was measured, on the CPU; the networks follow the data, as in fit",
    "source.code_of": "takes a function",
    "source.show_source": "takes functions",
    "sums.widened": "returns another type than it is given, on purpose; every function that computes tests it",
    "targets.flip_matrix": "returns a NumPy array",
    "targets.pair_matrix": "returns a NumPy array",
    "targets.noisy_labels": "draws with NumPy's generator from NumPy's arrays",
    "training.Score": "a record of numbers",
    "training.History": "a record of numbers",
    "training.batches": "yields row numbers on the CPU, the same for every device, which may index a tensor of any",
    "validation.reads_values": "takes nothing",
    "validation.trusted_values": "takes nothing",
    "validation.check_reduction": "takes a word",
    "validation.check_integer": "takes a number",
    "validation.check_positive": "takes a number",
    "validation.check_fraction": "takes a number",
    "validation.check_number": "takes a number",
    "validation.check_num_classes": "takes a number",
}
MODULES = {
    "__main__": "prints what is installed; its own tests run it",
    "plots": "draws NumPy's arrays",
    "exercises": "judges functions; its own tests run them",
    "kernels": "needs Triton; its own tests run it",
    "explorables": "makes HTML; its own tests run it",
    "forecasts": "takes texts and plain numbers; its own tests run them",
    "distributed": "runs in several processes; its own tests do",
    "parent": "ends processes; the tests of distributed and of grading see to it",
}

# Results that are of another type than the floating input, and of which: counts and labels are whole numbers, and what
# is made of labels alone has the library's own floating type.
WHOLE = {"likelihood.class_counts", "losses.one_hot"}
OF_LABELS = {"likelihood.bernoulli_mle", "likelihood.categorical_mle"}


def public() -> dict[str, object]:
    """Every public function and class of xent_helpers by module and name, those of MODULES left out."""
    found = {}
    for module in pkgutil.iter_modules(xent_helpers.__path__):
        if module.name not in MODULES:
            whole = import_module(f"xent_helpers.{module.name}")
            for name, thing in vars(whole).items():
                own = getattr(thing, "__module__", None) == whole.__name__
                if own and not name.startswith("_") and (inspect.isfunction(thing) or inspect.isclass(thing)):
                    found[f"{module.name}.{name}"] = thing
    return found


def arrays_in(result: object) -> list:
    """The arrays in a result: itself, or the entries of a tuple, a list or a record."""
    if is_dataclass(result):
        result = [getattr(result, field.name) for field in fields(result)]
    if isinstance(result, list | tuple):
        return [array for entry in result for array in arrays_in(entry)]
    return [result] if is_array_api_obj(result) else []


def judge(name: str, call: Callable, inputs: Inputs) -> list:
    """Call a function, judge what it returns, and return the arrays in it."""
    return judge_result(name, call(public()[name], inputs), inputs)


def judge_result(name: str, result: object, inputs: Inputs) -> list:
    """Hold the arrays in a result to the input's device and type."""
    found, xp = arrays_in(result), array_namespace(inputs.logits)
    for array in found:
        assert device_of(array) == device_of(inputs.logits)
        if name in OF_LABELS:
            assert array.dtype == xp.zeros((), device=device_of(array)).dtype
        elif name in WHOLE or not xp.isdtype(array.dtype, "real floating"):
            assert xp.isdtype(array.dtype, ("integral", "bool"))
        else:
            assert array.dtype == inputs.dtype
    return found


def tensor(device: torch.device, values: list, dtype: torch.dtype) -> torch.Tensor:
    """What ``Inputs`` makes its arguments with, on one device."""
    return torch.tensor(values, dtype=dtype, device=device)
