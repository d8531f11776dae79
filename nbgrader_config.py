try:
    from autograder.plugin import configure
except ImportError as error:  # nbgrader would go on with its own way: every submission outside of the jail
    raise SystemExit(
        f"Nothing is done: this course is graded by zero-to-hero-autograder, which the Python that runs nbgrader here lacks ({error}). "
        "In the environment of the course: pip install -c constraints.txt -e '.[instructor]'"
    ) from None

c = get_config()  # noqa: F821  traitlets puts it here
configure(c, __file__)
