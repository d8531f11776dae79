"""Decides: records and answers in, verdicts and cards out. Trusted; pure functions of data."""
