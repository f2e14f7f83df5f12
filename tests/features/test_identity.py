"""Identities of frozen parts: equal for equals, another one for whatever changes a feature."""

import importlib.util

import torch

from emonet_bench.features.identity import identify

OPTIONS = {"layer": 3, "window": None}
TENSORS = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.zeros(2)}


class Code:
    pass


def test_equal_parts_have_equal_identities_whatever_the_order():
    reversed_ = dict(reversed(TENSORS.items()))
    assert identify(OPTIONS, TENSORS, [Code]) == identify({"window": None, "layer": 3}, reversed_, [Code, Code])


def test_another_option_weight_shape_or_type_is_another_identity():
    changed = TENSORS["weight"].clone()
    changed[1, 2] = torch.nextafter(changed[1, 2], torch.tensor(9.0))
    others = [
        identify({**OPTIONS, "layer": 4}, TENSORS),
        identify(OPTIONS, {**TENSORS, "weight": changed}),
        identify(OPTIONS, {**TENSORS, "weight": TENSORS["weight"].reshape(3, 2)}),
        identify(OPTIONS, {**TENSORS, "bias": TENSORS["bias"].to(torch.float64)}),
        identify(OPTIONS, {**TENSORS, "bias": torch.zeros(2, dtype=torch.int32)}),
        identify(OPTIONS, {"weight": TENSORS["weight"], "shift": TENSORS["bias"]}),
    ]
    assert len({identify(OPTIONS, TENSORS), *others}) == 7


def test_bfloat16_weights_have_an_identity_too():
    assert identify({}, {"weight": torch.ones(3, dtype=torch.bfloat16)}) != identify({}, {"weight": torch.ones(3)})


def test_another_line_of_code_is_another_identity(tmp_path):
    found = []
    for number in (1, 2):
        path = tmp_path / f"own{number}.py"
        path.write_text(f"class Own:\n    number = {number}\n")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        import sys

        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
        found.append(identify({}, code=[module.Own]))
        del sys.modules[path.stem]
    assert found[0] != found[1]
