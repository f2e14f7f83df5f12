"""What a command line needs of a console, whatever it does: its streams, tables, output files and mistakes."""
