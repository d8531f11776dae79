from autograder.plugin import configure

c = get_config()  # noqa: F821  traitlets puts it here
configure(c, __file__)
