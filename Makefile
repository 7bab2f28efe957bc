# make bench                                measure on SQLite and the servers, and print the table
# make bench ARGS="--engines sqlite --quick"
# WCH_PYTHON=python  use this Python's environment instead of .venv, as tests/run does
.PHONY: bench
bench:
	@bash tests/run --version >/dev/null
	@$(or $(WCH_PYTHON),.venv/bin/python) -m benchmarks $(ARGS)
