"""Loading a checkpoint's encoder, up to the highest layer that is used, without a word."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError

from emonet_bench.errors import ConfigError
from emonet_ssl.checkpoint import location

if TYPE_CHECKING:
    from emonet_ssl.options import CheckpointOptions

_UNUSED = "masked_spec_embed"  # stands where pre-training hid frames; a checkpoint may lack it


def load(
    options: CheckpointOptions, kind: Any = None, names: dict[str, str] | None = None, *, fewest: int = 0
) -> tuple[Any, Any]:
    """Load a checkpoint's model, in float32, and its feature extractor.

    Args:
        options: They name the checkpoint, and the layers that are used: those above are not loaded.
        kind: The class of the model; None: what transformers' ``AutoModel`` takes for it.
        names: Patterns of the tensors' names in the checkpoint, and what they are in that class.
        fewest: Layers that are loaded in any case.

    Raises:
        ConfigError: It is incomplete or damaged.
    """
    import transformers as hf  # noqa: PLC0415 - seconds of import

    assert options.weights is not None
    name, given = location(options.checkpoint, options.weights)
    where = f"options.{options.architecture}.checkpoint: {options.checkpoint}"
    try:
        with _quiet():
            config = hf.AutoConfig.from_pretrained(name, **given)
            config.num_hidden_layers = max(fewest, options.highest)
            model, told = (kind or hf.AutoModel).from_pretrained(
                name, config=config, dtype=torch.float32, output_loading_info=True, key_mapping=names, **given
            )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{where}: cannot be loaded ({reason[:200]}); is the download complete?") from error
    extractor = _extractor(name, given, where)
    missing = sorted(key for key in told["missing_keys"] if not key.endswith(_UNUSED))
    if missing:
        raise ConfigError(f"{where}: holds no weights for {missing[0]} ({len(missing)} such); take a whole checkpoint")
    return model, extractor


def _extractor(name: str, given: dict[str, Any], where: str) -> Any:
    from transformers import AutoFeatureExtractor  # noqa: PLC0415 - seconds of import

    extractors: Any = AutoFeatureExtractor
    try:
        with _quiet():
            extractor = extractors.from_pretrained(name, **given)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{where}: has no feature extractor (preprocessor_config.json); take a model of speech, and all its files"
        ) from error
    if not hasattr(extractor, "sampling_rate"):
        raise ConfigError(f"{where}: its {type(extractor).__name__} takes no audio; take a model of speech")
    return extractor


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from listing the tensors that are not loaded, and from drawing a bar."""
    from transformers.utils import logging  # noqa: PLC0415 - as above

    hf_logging: Any = logging
    level, bar = hf_logging.get_verbosity(), hf_logging.is_progress_bar_enabled()
    hf_logging.set_verbosity(hf_logging.CRITICAL)
    hf_logging.disable_progress_bar()
    try:
        yield
    finally:
        hf_logging.set_verbosity(level)
        if bar:
            hf_logging.enable_progress_bar()
