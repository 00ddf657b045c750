"""A simulated accelerator: a second torch device, "sim", for machines that have no real one.

Its tensors lie in the host's memory and every operation is the CPU's, so its numbers are the CPU's to the last bit.
What it keeps of a real accelerator is the rules. It refuses what CUDA refuses, with CUDA's words: operands on two
devices, an index on the wrong one, ``.numpy()`` and all that NumPy does behind the scenes, a generator of the CPU.

PyTorch finds it by itself, as it finds every accelerator that comes as a package of its own: each Python process that
imports torch with this folder on ``PYTHONPATH`` has it. So do the kernels of notebooks and the processes that they
start. ``make test-sim`` runs all tests that way. Without the folder on the path nothing is different.

What it does not imitate:

* time: nothing runs late, so an error is raised by the line at fault, and events read the host's clock;
* other rounding: sums in another order, TF32 and CUDA's own functions exist on a real card only; nor does it lack
  what CUDA's kernels lack (a product of integer matrices) or warn of what is not deterministic there;
* an allocator: memory is counted operation by operation, results only, in blocks of 512 bytes as CUDA's does;
  what an operation needs inside itself does not count, and nothing is ever out of memory;
* ``type(x) is torch.Tensor`` (it is a subclass), ``x.data_ptr()``, ``x.is_cuda``, ``.cuda()``, the casts of autocast,
  graphs, compiling, forward-mode derivatives of backward-mode ones (``torch.func.hessian`` ends the process);
* the identity of parameters that ``nn.Module.to`` moves back to the CPU (on the way there they keep it);
* an accelerator's generator handed to a function of the CPU, which CUDA refuses and this one cannot see.
"""

from collections.abc import Callable, Iterable
from functools import cache
from time import perf_counter
from typing import Any

import torch
from torch import library
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._mode_utils import no_dispatch
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = "sim"
BLOCK = 512  # CUDA's allocator hands out multiples of it
UNBOUNDED = 2**60  # the wrapper's own storage holds nothing; its size must not get in the way of a new shape
CPU = torch.device("cpu")
DEVICE = "sim:0"

# ---- tensors ----


class SimulatedTensor(torch.Tensor):
    """A tensor with a shape, a type and a device of its own, and its numbers in ``_held``, on the host."""

    _held: torch.Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> "SimulatedTensor":
        return torch.Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            storage_size=UNBOUNDED,
            dtype=held.dtype,
            device=DEVICE,
        )

    def __init__(self, held: torch.Tensor) -> None:
        self._held = held

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return run(func, args, kwargs or {})

    # nn.Module.to then keeps a parameter's identity, as it does between the CPU and CUDA
    def __tensor_flatten__(self):
        return ["_held"], None

    @staticmethod
    def __tensor_unflatten__(parts, context, size, stride):
        return SimulatedTensor(parts["_held"])

    @property
    def data(self) -> torch.Tensor:
        return torch.Tensor.data.__get__(self)

    @data.setter
    def data(self, value: torch.Tensor) -> None:
        torch.Tensor.data.__set__(self, value)
        self._held = value._held

    def numpy(self, *, force: bool = False):
        if not force:
            raise TypeError(
                f"can't convert {self.device} device type tensor to numpy. "
                "Use Tensor.cpu() to copy the tensor to host memory first."
            )
        return self.detach().cpu().numpy()

    def tolist(self):
        return self.detach().cpu().tolist()

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.dim() == 0 else format(str(self), spec)

    def __repr__(self, *, tensor_contents=None) -> str:
        if isinstance(self, torch.nn.Parameter):
            return f"Parameter containing:\n{self.detach().requires_grad_(self.requires_grad)!r}"
        text = torch._tensor_str._str(self, tensor_contents=tensor_contents)
        return text.replace(type(self).__name__ + "(", "tensor(", 1)

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            if not self.is_leaf:
                raise RuntimeError("Only Tensors created explicitly by the user support the deepcopy protocol")
            copy = self.detach().clone().requires_grad_(self.requires_grad)
            copy = torch.nn.Parameter(copy, self.requires_grad) if isinstance(self, torch.nn.Parameter) else copy
            copy.grad = None if self.grad is None else self.grad.__deepcopy__(memo)
            memo[id(self)] = copy
        return memo[id(self)]

    def __reduce_ex__(self, protocol):
        if isinstance(self, torch.nn.Parameter):
            return torch._utils._rebuild_parameter, (self.detach(), self.requires_grad, {})
        rebuild = torch._utils._rebuild_device_tensor_from_cpu_tensor
        return rebuild, (self.detach().cpu(), self.dtype, str(self.device), self.requires_grad)


SimulatedTensor.__name__ = SimulatedTensor.__qualname__ = "Tensor"  # as the printed form and error messages have it


def _is_simulated(value: object) -> bool:
    return isinstance(value, SimulatedTensor)


def _tensors(values: Iterable[object]) -> list[torch.Tensor]:
    """The tensors among an operation's arguments, which are tensors, lists of them, or neither."""
    found = []
    for value in values:
        if isinstance(value, torch.Tensor):
            found.append(value)
        elif isinstance(value, list | tuple):
            found += [entry for entry in value if isinstance(entry, torch.Tensor)]
    return found


def _replaced(value: object, change: Callable[[torch.Tensor], torch.Tensor]) -> object:
    """``value`` with each tensor in it changed."""
    if isinstance(value, torch.Tensor):
        return change(value)
    return type(value)(_replaced(entry, change) for entry in value) if isinstance(value, list | tuple) else value


# ---- operations ----

# They may take operands of two devices: a copy is what they are for, or only types are asked for.
MIXING = {"copy_", "_to_copy", "result_type"}
INDEXING = {"index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index"}
# A number may come as a tensor of the CPU without dimensions: for element-wise operations, and for these.
TAKES_A_NUMBER = {"masked_fill", "masked_fill_", "fill", "fill_", "index_fill_"}


class Kind:
    """What has to be known of an operation, read from PyTorch's own description of it."""

    def __init__(self, func: Any) -> None:
        schema = func._schema
        self.name, self.method = schema.name.split("::")[1], schema.name.split("::")[1]
        if schema.overload_name:
            self.method += f"_{schema.overload_name}"
        self.writes = [arg.name for arg in schema.arguments if arg.alias_info and arg.alias_info.is_write]
        self.arguments = [arg.name for arg in schema.arguments]
        self.elementwise = torch.Tag.pointwise in func.tags
        self.draws = torch.Tag.nondeterministic_seeded in func.tags


kind_of = cache(Kind)


def run(func: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Run one operation of PyTorch on the host, after the checks that an accelerator makes."""
    kind, tensors = kind_of(func), _tensors((*args, *kwargs.values()))
    simulated = [tensor for tensor in tensors if _is_simulated(tensor)]
    if len(simulated) not in (0, len(tensors)):
        refuse_two_devices(kind, tensors, args, kwargs)
    here = bool(simulated)
    if kwargs.get("device") is not None:
        place = torch.device(kwargs["device"])
        here = place.type == NAME
        if here and place.index not in (None, 0):
            raise RuntimeError(f"{NAME} error: invalid device ordinal")
        kwargs = kwargs | {"device": CPU}
    on_host = [_replaced(value, _held) for value in args]
    with_names = {name: _replaced(value, _held) for name, value in kwargs.items()}
    results = (_draw if here and kind.draws else _call)(func, on_host, with_names)
    own = {}
    if kind.writes:  # what is written in place is handed back itself, not as a new tensor
        for tensor in simulated:
            _keep_in_step(tensor)
        own = {id(_held(tensor)): tensor for tensor in tensors}

    def handed_back(result: torch.Tensor) -> torch.Tensor:
        if id(result) in own:
            return own[id(result)]
        return _wrapped(result) if here else result

    return _replaced(results, handed_back)


def _call(func: Any, args: list, kwargs: dict[str, Any]) -> Any:
    return func(*args, **kwargs)


def _held(tensor: torch.Tensor) -> torch.Tensor:
    return tensor._held if _is_simulated(tensor) else tensor


def _wrapped(held: torch.Tensor) -> SimulatedTensor:
    memory.note(held)
    return SimulatedTensor(held)


def _keep_in_step(tensor: SimulatedTensor) -> None:
    """Give a tensor the shape that its numbers have now: resized by out=, transposed in place, …"""
    held = tensor._held
    if (tensor.shape, tensor.stride()) == (held.shape, held.stride()):
        return
    memory.note(held)
    before = torch._C._meta_in_tls_dispatch_include()
    torch._C._set_meta_in_tls_dispatch_include(True)  # shapes only, no numbers
    try:
        with no_dispatch():
            tensor.as_strided_(held.shape, held.stride(), held.storage_offset())
    finally:
        torch._C._set_meta_in_tls_dispatch_include(before)


def refuse_two_devices(kind: Kind, tensors: list[torch.Tensor], args: tuple, kwargs: dict[str, Any]) -> None:
    """Raise CUDA's error when an operation gets tensors of the CPU beside the accelerator's.

    An element-wise operation takes a number that comes as a tensor of the CPU without dimensions, and an index into
    a tensor of the accelerator may lie on the CPU. All else must be copied first.
    """
    if kind.name in MIXING:
        return
    if kind.name in INDEXING:
        if not _is_simulated(args[0]) and any(map(_is_simulated, args[1])):
            raise RuntimeError("indices should be either on cpu or on the same device as the indexed tensor (cpu)")
        tensors = [args[0], *(value for value in _tensors(args[2:3]) if value.dim())]
    elif kind.elementwise or kind.name in TAKES_A_NUMBER:
        given = dict(zip(kind.arguments, args, strict=False)) | kwargs
        written = {id(tensor) for tensor in _tensors(given[name] for name in kind.writes)}
        tensors = [t for t in tensors if _is_simulated(t) or t.dim() or id(t) in written]
    leader, others = tensors[0], [t for t in tensors if t.device.type != tensors[0].device.type]
    if not others:
        return
    if kind.elementwise or kind.name in INDEXING:
        what = f"found at least two devices, {leader.device} and {others[0].device}!"
    else:
        given = dict(zip(kind.arguments, args, strict=False)) | kwargs
        label = next(name for name, value in given.items() if any(t is others[0] for t in _tensors([value])))
        what = (
            f"got {label} is on {others[0].device}, different from other tensors on {leader.device} "
            f"(when checking argument in method wrapper_{NAME.upper()}_{kind.method})"
        )
    raise RuntimeError(f"Expected all tensors to be on the same device, but {what}")


# ---- random numbers ----


class _AnyGenerator(type(torch._C.Generator)):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, torch._C.Generator)


class Generator(torch.Generator, metaclass=_AnyGenerator):
    """``torch.Generator`` that also knows the simulated accelerator; its numbers are those of the CPU's."""

    def __new__(cls, device: torch.device | str | int = "cpu"):
        place = torch.device(device)
        if place.type != NAME:
            return torch._C.Generator(device)
        generator = super().__new__(cls)
        _generators.add(generator._cdata)
        return generator

    def __init__(self, device: torch.device | str | int = "cpu") -> None:
        super().__init__()

    @property
    def device(self) -> torch.device:
        return torch.device(DEVICE)

    def __del__(self) -> None:
        _generators.discard(self._cdata)


_generators: set[int] = set()  # by address: PyTorch hands an operation a new Python object for the same generator
_default = torch._C.Generator()


def _draw(func: Any, args: list, kwargs: dict[str, Any]) -> Any:
    """Run an operation that draws numbers, from the accelerator's own generator unless it gets one."""
    generator = next((v for v in (*args, *kwargs.values()) if isinstance(v, torch._C.Generator)), None)
    if generator is not None:
        if generator._cdata not in _generators:
            raise RuntimeError(f"Expected a '{NAME}' device type for generator but found '{generator.device.type}'")
        return func(*args, **kwargs)
    before = torch.default_generator.get_state()
    torch.default_generator.set_state(_default.get_state())
    try:
        return func(*args, **kwargs)
    finally:
        _default.set_state(torch.default_generator.get_state())
        torch.default_generator.set_state(before)


# ---- memory and time ----


class Memory:
    """Bytes of the results that are alive, and the most at a time, as an accelerator's allocator counts them."""

    def __init__(self) -> None:
        self.peak = self._counted = 0
        self._storages: dict[int, tuple[StorageWeakRef, int]] = {}

    def note(self, held: torch.Tensor) -> None:
        """Count the storage of a result; one that is known, as a view's is, counts once."""
        storage = held.untyped_storage()
        size = -(-storage.nbytes() // BLOCK) * BLOCK
        known = self._storages.get(storage._cdata, (None, 0))[1]
        if known != size:
            self._storages[storage._cdata] = StorageWeakRef(storage), size
            self._counted += size - known  # with what has died since it was last looked for
            if self._counted > self.peak:
                self.peak = max(self.peak, self.current())

    def current(self) -> int:
        """Return the bytes that are alive now."""
        self._storages = {key: entry for key, entry in self._storages.items() if not entry[0].expired()}
        self._counted = sum(size for _, size in self._storages.values())
        return self._counted

    def reset(self, device: int) -> None:
        self.peak = self.current()

    def statistics(self, device: int) -> dict:
        return {"allocated_bytes": {"all": {"current": self.current(), "peak": self.peak}}}


memory = Memory()


class Event:
    """``torch.Event`` on the host's clock: what was ordered is done."""

    def __init__(self, device: torch.device | str | None = None, *, enable_timing: bool = False, **options) -> None:
        self.device, self._timed, self._moment = torch.device(device or DEVICE), enable_timing, None

    def record(self, stream=None) -> None:
        self._moment = perf_counter()

    def wait(self, stream=None) -> None: ...

    def synchronize(self) -> None: ...

    def query(self) -> bool:
        return True

    def elapsed_time(self, end: "Event") -> float:
        """Return the milliseconds from this event to ``end``."""
        if not (self._timed and end._timed):
            raise RuntimeError("Both events must be created with argument 'enable_timing=True'.")
        if self._moment is None or end._moment is None:
            raise RuntimeError("Both events must be recorded before calculating elapsed time.")
        return 1e3 * (end._moment - self._moment)


# ---- making it known to PyTorch ----


class Module:
    """What PyTorch keeps as ``torch.sim`` and asks for the state of the device."""

    @staticmethod
    def is_available() -> bool:
        return True

    is_initialized = is_available

    @staticmethod
    def device_count() -> int:
        return 1

    @staticmethod
    def current_device() -> int:
        return 0

    @staticmethod
    def _is_in_bad_fork() -> bool:
        return False

    @staticmethod
    def manual_seed_all(seed: int) -> None:
        _default.manual_seed(seed)

    @staticmethod
    def get_rng_state(device: object = DEVICE) -> torch.Tensor:
        return _default.get_state()

    @staticmethod
    def set_rng_state(state: torch.Tensor, device: object = DEVICE) -> None:
        _default.set_state(state)

    @staticmethod
    def get_amp_supported_dtype() -> list[torch.dtype]:
        return [torch.bfloat16, torch.float16]


_registrations: list[library.Library] = []  # they end with the object that holds them


def load() -> None:
    """Add the accelerator to this process; PyTorch calls it at the end of its import."""
    if _registrations:
        return
    _setup_privateuseone_for_python_backend(NAME, backend_module=Module())
    every = library.Library("_", "IMPL")
    every.fallback(lambda op, *args, **kwargs: run(op, args, kwargs), dispatch_key="PrivateUse1")
    some = library.Library("aten", "IMPL")
    for op in (torch.ops.aten.copy_.default, torch.ops.aten._local_scalar_dense.default):
        some.impl(op, _runner(op), "PrivateUse1")  # torch.tensor(…) calls these two past __torch_dispatch__
    _registrations.extend([every, some])
    torch.Generator, torch.Event = Generator, Event
    torch._C._accelerator_synchronizeDevice = lambda index: None
    torch._C._accelerator_isAllocatorInitialized = lambda: True
    torch._C._accelerator_getDeviceStats = memory.statistics
    torch._C._accelerator_resetPeakStats = memory.reset
    torch._C._accelerator_emptyCache = lambda: None


def _runner(op: Any) -> Callable[..., Any]:
    return lambda *args, **kwargs: run(op, args, kwargs)
