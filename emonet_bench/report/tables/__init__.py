"""Tables of results: which runs share a row and a column, what a cell says, which notes belong below."""
