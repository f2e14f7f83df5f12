"""Shares of a matrix are disjoint, equal and self-contained."""

from emonet_bench.matrix.planning.shards import shard
from tests.written import planned_cell


def test_shards_are_equal_disjoint_and_keep_a_cell_with_its_source():
    cells = [planned_cell(name) for name in "abcd"] + [
        planned_cell(name, source=name[0]) for name in ("aa", "ab", "ba", "cc", "dd")
    ]
    shares = [shard(cells, number, 3, lambda _: 1.0) for number in (1, 2, 3)]
    assert sorted(c.spec.corpus for share in shares for c in share) == sorted(c.spec.corpus for c in cells)
    assert max(map(len, shares)) <= 4 / 3 * len(cells) / 3, "the bound of longest-first dealing (Graham, 1969)"
    for share in shares:
        own = {c.run_id for c in share}
        assert all(c.source is None or c.source in own for c in share)
