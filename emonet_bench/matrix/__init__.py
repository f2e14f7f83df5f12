"""The matrix: many runs planned, scheduled and carried out."""
