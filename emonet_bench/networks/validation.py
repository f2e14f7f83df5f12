"""Network validation: what a network is held to before it is trained, in place of an error of torch's later on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from torch import Tensor, nn

from emonet_bench.errors import PluginError

_TORCHS_OWN = frozenset(vars(nn.Module()))


def check_network(network: object, name: str) -> None:
    """Hold what an architecture has built to be a network.

    Args:
        network: What it has built.
        name: The architecture.

    Raises:
        PluginError: It is no ``nn.Module`` with ``dim``, ``embed`` and ``adapter_points``.
    """
    where = f"architecture {name}: build must return an nn.Module"
    if not isinstance(network, nn.Module):
        raise PluginError(f"{where}; got {type(network).__name__}; mend it")
    dim: Any = getattr(network, "dim", None)
    if isinstance(dim, bool) or not isinstance(dim, int) or dim < 1:
        raise PluginError(f"{where} whose dim is the size of its embedding, a whole number; got {dim!r}; mend it")
    for method in ("embed", "adapter_points"):
        if not callable(getattr(network, method, None)):
            raise PluginError(f"{where} with a method {method}; {type(network).__name__} has none; mend it")


def check_registered(module: nn.Module) -> None:
    """Hold every trainable weight that a module can reach to be one of its parameters.

    One in a plain list is trained by nobody, stands in no checkpoint, and is drawn anew where the network is built
    again: what was scored could never be given again.

    Raises:
        PluginError: One is hidden; the message says where.
    """
    registered = {id(parameter) for parameter in module.parameters()}
    for path, part in module.named_modules():
        for name, value in vars(part).items():
            if name in _TORCHS_OWN:
                continue
            if any(weight.requires_grad and id(weight) not in registered for weight in _leaves(value)):
                where = f"{path}.{name}".lstrip(".")
                raise PluginError(
                    f"{where} holds weights that are no parameters of the network, so they are neither trained nor "
                    "kept; use nn.ModuleList, nn.ModuleDict or nn.ParameterList, or freeze them (requires_grad_(False))"
                )


def _leaves(value: object) -> Iterator[Tensor]:
    """Yield the weights in a value: a tensor, a module, or a list, tuple, set or mapping of them."""
    if isinstance(value, Tensor):
        if value.is_leaf:
            yield value
    elif isinstance(value, nn.Module):
        yield from value.parameters()
    elif isinstance(value, Mapping | list | tuple | set):
        held: Iterable[object] = value.values() if isinstance(value, Mapping) else value
        for one in held:
            yield from _leaves(one)
