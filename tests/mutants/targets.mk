# Change the code at random and run the tests. Not in CI, because a run takes hours.

MUTANTS ?= 100
SEED ?= 1
SET ?= random
IN ?= functions

.PHONY: mutants
mutants: $(VENV)/dev.stamp ## change code at random and report changes that pass the tests (MUTANTS=100 SEED=1 SET=harm IN=functions QUICK=1)
	@PYTHONPATH=functions:. $(BIN)/python -m tests.mutants --mutants $(MUTANTS) --seed $(SEED) --set $(SET) $(if $(QUICK),--quick) $(IN)
