"""Checks of runs: do scores follow from predictions, these from weights, and a repetition from the same recipe?"""
