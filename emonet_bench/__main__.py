"""``python -m emonet_bench``."""

from emonet_bench.cli import main

if __name__ == "__main__":  # a spawned worker imports this, too
    main(prog_name="emonet-bench")
