"""Reading cards back: ``card.json``, of a stranger perhaps."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from emonet_bench.errors import StoreError
from emonet_bench.files import read_bytes
from emonet_bench.model_card.record import ModelCard
from emonet_bench.runs.facts import parse_json

_LONGEST = 16 * 2**20


def read_card(path: Path) -> ModelCard:
    """Read a card.

    Raises:
        StoreError: It is missing, or no card of this version; one line.
    """
    try:
        return ModelCard.model_validate(parse_json(read_bytes(path, _LONGEST)))
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror}); write it with 'emonet-bench card'") from error
    except ValidationError as error:
        place = ".".join(map(str, error.errors(include_url=False)[0]["loc"]))
        raise StoreError(
            f"{path}: not a measured card ({place[:80]}); write it anew with 'emonet-bench card'"
        ) from None
    except ValueError as error:
        raise StoreError(f"{path}: damaged ({error}); write it anew with 'emonet-bench card'") from None
