# Two commands, each of which sets up a fresh machine by itself: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready

.PHONY: demo test verify clean

demo: $(READY)
	$(VENV)/bin/autograder demo

test: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/python -m pytest -n 3 --no-loadscope-reorder

verify: $(READY)
	$(VENV)/bin/autograder verify

# The jail for submissions comes from the system, not from pip.
$(READY): pyproject.toml constraints.txt
	@command -v bwrap > /dev/null || if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; \
		then apt-get update -q && apt-get install -y -q --no-install-recommends bubblewrap libseccomp2; \
		else echo "Install bubblewrap and libseccomp first: sudo apt install bubblewrap libseccomp2"; exit 1; fi
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[instructor,dev]'
	touch $(READY)

clean:
	rm -rf $(VENV) build
