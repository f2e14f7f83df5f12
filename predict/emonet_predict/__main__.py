"""``python -m emonet_predict``: the command ``emonet-predict``."""

from .deploy.cli import main

if __name__ == "__main__":  # a spawned worker imports this, too
    main(prog_name="emonet-predict")
