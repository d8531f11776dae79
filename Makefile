# Two commands, each of which sets up a fresh machine by itself: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready

.PHONY: demo test verify clean

demo: $(READY)
	$(VENV)/bin/autograder demo

test: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/python -m pytest

verify: $(READY)
	$(VENV)/bin/autograder verify

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[instructor,dev]'
	touch $(READY)

clean:
	rm -rf $(VENV) build
