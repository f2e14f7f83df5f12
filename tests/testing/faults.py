"""What a kit says of a planted fault."""

import pytest


def broken(check, *arguments):
    """Return the message of a kit that must find a fault."""
    with pytest.raises(AssertionError, match="breaks a contract") as caught:
        check(*arguments)
    return str(caught.value)
