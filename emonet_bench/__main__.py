"""``python -m emonet_bench``."""

from emonet_bench.cli import main

main()
