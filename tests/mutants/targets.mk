# Changing the code at random, and seeing whether a test notices. Not in CI: it takes hours.

MUTANTS ?= 100
SEED ?= 1
SET ?= random
IN ?= functions

.PHONY: mutants
mutants: $(VENV)/dev.stamp ## change code at random: does a test notice? (MUTANTS=100 SEED=1 SET=harm IN=functions QUICK=1)
	@PYTHONPATH=functions:. $(BIN)/python -m tests.mutants --mutants $(MUTANTS) --seed $(SEED) --set $(SET) $(if $(QUICK),--quick) $(IN)
