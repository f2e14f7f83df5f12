"""What an exported model does: robustness, subgroups, calibration, out of domain, cost; measured on the file itself."""
