"""One submission's grade: the secret and its seeds, the answer key, the run and its verdicts. Trusted."""
