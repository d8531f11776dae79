# Each of these sets up a fresh machine by itself: `make demo` and `make test` are the README's two commands.
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
PYTEST := $(VENV)/bin/python -m pytest -n logical --no-loadscope-reorder

.PHONY: demo test test-lectures test-all verify docs screenshots pins clean

demo: $(READY)
	$(VENV)/bin/autograder demo

# What every change must pass.
test: $(READY)
	$(VENV)/bin/ruff check .
	$(PYTEST)

# And what proves the lectures: all are built, their references trained, every mistake and every other right answer run. CI does so with each change.
test-lectures: $(READY)
	$(PYTEST) -m "lectures and not slow"

# Also what is slow by nature: every attack by a second user, many seeds, hundreds of draws, many kills. A part of it: make test-all TESTS=tests/test_jail.py
test-all: $(READY)
	$(VENV)/bin/ruff check .
	FUZZ=500 $(PYTEST) -m "slow or not slow" $(TESTS)

verify: $(READY)
	$(VENV)/bin/autograder verify

# The documentation as a site, in build/site: open build/site/index.html.
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --quiet

# The pictures in the pages, of the demo's class; needs Chromium (or: playwright install chromium).
screenshots: $(READY)
	$(VENV)/bin/python docs/screenshots.py

# The exact versions can be installed together on the oldest Python that the README names, and on the newest.
pins: $(READY)
	for version in 3.11.0 3.12.0 3.13.0; do \
		$(VENV)/bin/python -m pip install --disable-pip-version-check --dry-run --quiet --target build/pins \
			--python-version $$version --only-binary :all: -r constraints.txt || exit 1; done

# The jail for submissions comes from the system, not from pip.
$(READY): pyproject.toml constraints.txt
	@command -v bwrap > /dev/null || if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; \
		then apt-get update -q && apt-get install -y -q --no-install-recommends bubblewrap libseccomp2; \
		else echo "Install bubblewrap and libseccomp first: sudo apt install bubblewrap libseccomp2"; exit 1; fi
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[instructor,cluster,postgresql,similarity,dev]'
	touch $(READY)

clean:
	rm -rf $(VENV) build
