"""Network: descriptors that need no torch, and what the protocols ask for."""

import dataclasses
import inspect
import runpy
import sys
from typing import get_args, get_type_hints

import pytest
import torch

from emonet_bench import types
from emonet_bench.types import network
from emonet_bench.types.network import AdapterPoint, Freezable, FrozenFeatures, Network
from tests.exported import Unit
from tests.toys import FrozenToy, Toy


def test_the_module_is_imported_without_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # whoever imports it fails
    assert "AdapterPoint" in runpy.run_path(network.__file__)


@pytest.mark.parametrize("name", ["AdapterPoint", "FrozenFeatures", "Network"])
def test_the_package_has_the_first_names_too(name):
    assert getattr(types, name) is getattr(network, name)


def test_a_point_cannot_be_changed_and_has_a_stride_of_one():
    point = AdapterPoint("stem.adapter", "sequence", 4, 8)
    assert point == AdapterPoint("stem.adapter", "sequence", 4, 8, stride=1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        point.path = "other"


def test_every_kind_of_point_is_described():
    kinds = get_args(get_type_hints(AdapterPoint)["kind"])
    assert len(kinds) == 4
    assert all(f"``{kind}``:" in AdapterPoint.__doc__ for kind in kinds)


def test_features_without_lengths_are_a_row_for_each_clip():
    values, lengths = FrozenFeatures(torch.zeros(2, 3))
    assert values.shape == (2, 3)
    assert lengths is None


def asked(protocol):
    """The methods that a protocol asks for, with the names of their parameters."""
    found = inspect.getmembers(protocol, inspect.isfunction)
    return {name: list(inspect.signature(each).parameters) for name, each in found if not name.startswith("_")}


@pytest.mark.parametrize(("protocol", "implementation"), [(Network, Toy), (Network, FrozenToy), (Freezable, FrozenToy)])
def test_networks_of_the_tests_have_every_method_with_its_parameters(protocol, implementation):
    for name, parameters in asked(protocol).items():
        assert list(inspect.signature(getattr(implementation, name)).parameters) == parameters


def test_a_folded_module_is_its_equal_for_inference():
    torch.manual_seed(0)
    unit = Unit()
    unit(torch.randn(4, 1, 4_000))  # moves the statistics
    unit.eval()
    waveform = torch.randn(2, 1, 4_000)
    torch.testing.assert_close(unit.fold()(waveform), unit(waveform), rtol=1e-4, atol=1e-5)
