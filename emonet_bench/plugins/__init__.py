"""Plugins: finding, checking and loading them, and the registries of what they offer."""
