# make bench                                measure on SQLite and the servers, and print the table
# make bench ARGS="--engines sqlite --quick"
# make docs                                 build the pages as a site, into build/docs; a warning is an error
# make linkcheck                            ask every link that leads elsewhere
# WCH_PYTHON=python  use this Python's environment instead of .venv, as tests/run does
.PHONY: bench docs linkcheck
python = $(or $(WCH_PYTHON),.venv/bin/python)
bench:
	@bash tests/run --version >/dev/null
	@$(python) -m benchmarks $(ARGS)
docs:
	@bash tests/run --version >/dev/null
	@$(python) -m sphinx -W --keep-going -q docs build/docs
linkcheck:
	@bash tests/run --version >/dev/null
	@$(python) -m sphinx -W --keep-going -q -b linkcheck docs build/linkcheck
