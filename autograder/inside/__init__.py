"""Runs in the jail with a stranger's code: the warm process, its forks, IPython's shell, and the watch over them."""
