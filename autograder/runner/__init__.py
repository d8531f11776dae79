"""Runs the cells of one submission: ``host`` is the trusted half, ``jailed`` the half that holds a student's code."""
