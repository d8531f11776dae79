"""The class report: what grading has written down of a lecture, counted and shown on one page. It runs nothing and changes nothing."""
