"""The kits as fixtures of pytest, for authors of plugins."""

pytest_plugins = ["pytester"]


def test_authors_get_the_kits_as_fixtures(pytester):
    pytester.makepyfile(
        "pytest_plugins = ['emonet_bench.testing']\n"
        "def test_mine(check_architecture): check_architecture('chance')\n"
        "def test_all(check_corpus, check_strategy, check_executor, check_hooks, check_loss, check_optimizer, "
        "check_augmentation, check_report, check_metric): pass\n"
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=2)
