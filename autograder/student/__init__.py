"""Runs beside a student's code: ``check``, ``fit`` and what they need. ``desk`` alone judges, on a student's own machine; nobody believes it."""
