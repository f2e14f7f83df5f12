"""Features: what a frozen backbone makes of each clip, computed once for all cells."""
