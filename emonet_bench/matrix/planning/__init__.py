"""Planning of a matrix: its file, its names and choices, the cells they expand to, and what these cost."""
