"""The job: it crosses to a worker process, and says only what is asked for."""

import pickle
from pathlib import Path

from emonet_bench.matrix.cells.job import Job
from emonet_bench.plugins.loading import Selection
from emonet_bench.types import Corpus, SplitRule
from tests.matrix.test_scheduler import cell


def test_a_job_is_the_same_on_the_other_side_of_a_pipe():
    corpus = Corpus("mine", ("a", "b"), list, {"own": SplitRule(folds=3)})
    selection = Selection(files=(Path("/plugin.py"),), strict=True, places={"mine": Path("/clips")})
    job = Job(cell("a", source="b"), selection, Path("/results"), Path("/source"), export=True, corpora=(corpus,))
    assert pickle.loads(pickle.dumps(job)) == job


def test_a_job_replaces_exports_and_leaves_out_nothing_unless_told_to():
    job = Job(cell("a"), Selection(), Path("/results"))
    assert (job.again, job.export, job.skip_bad_files) == (False, False, False)
    assert (job.source, job.corpora) == (None, ())
