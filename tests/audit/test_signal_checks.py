import numpy as np
import pytest
import soxr
from emonet_corpora.voice import RATE

from emonet_bench import audit
from emonet_bench.errors import AudioError
from tests.audit.planted import sound


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_an_8_khz_clip_at_a_higher_rate_is_found(planted, rate):
    planted.write("5.wav", soxr.resample(soxr.resample(sound(5), RATE, 8_000), 8_000, rate), rate)
    (finding,) = planted.found("bandwidth")
    assert finding.clips == ("5.wav",)


def test_clipping_offset_and_silence_are_found(planted):
    planted.write("1.wav", np.clip(9 * sound(1), -1, 1))
    planted.write("2.wav", sound(2) + 0.05)
    planted.write("3.wav", np.concatenate([sound(3, 1.0), np.zeros(2 * RATE)]))
    found = {finding.check: finding.clips for finding in planted.findings()}
    assert found == {"clipping": ("1.wav",), "offset": ("2.wav",), "silence": ("3.wav",)}


def test_a_file_that_cannot_be_read_is_returned_not_raised(planted):
    utterance = planted.load().load()[0]
    utterance.file.write_bytes(b"")
    assert isinstance(audit.clip_stats(utterance), AudioError)


def test_statistics_come_in_the_order_of_the_utterances_and_tell_how_far_they_are(planted):
    utterances, told = planted.load().load(), []
    stats = audit.all_clip_stats(utterances, lambda *done: told.append(done))
    assert told == [(n, 12) for n in range(1, 13)]
    assert [one.digest for one in stats] == [audit.clip_stats(utterance).digest for utterance in utterances]
