"""``python -m emonet_bench.deploy``: the command ``emonet-predict``."""

from emonet_bench.deploy.cli import main

if __name__ == "__main__":  # a spawned worker imports this, too
    main(prog_name="emonet-predict")
