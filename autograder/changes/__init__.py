"""Small changes of code: made wrong, to see what a check notices, and made right, to see where an answer is wrong. Pure functions of a text."""
