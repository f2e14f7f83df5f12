"""Variants to listen to."""

import soundfile

from emonet_bench.model_card.listening import write_variants
from emonet_bench.model_card.perturbations import conditions
from tests.oracles import RATE, clips_of, tones


def test_each_condition_gives_a_file_that_can_be_played(tmp_path):
    clips = clips_of(tones(tmp_path, count=1), tmp_path / "cache")
    (tmp_path / "variants").mkdir()
    ways = conditions(RATE)
    count = write_variants(clips, ways, tmp_path / "variants")
    files = list((tmp_path / "variants").iterdir())
    assert len(files) == count == len(ways) + 1
    assert {soundfile.info(file).samplerate for file in files} == {RATE}
    assert soundfile.info(tmp_path / "variants" / "one-of-two-channels-dead.wav").channels == 2
