# Golden files: what each surface and dialect make of a request and its answer.

.PHONY: goldens
goldens: $(VENV)/dev.stamp ## write the expected half of the golden files anew, and show what changed
	@UPDATE_GOLDENS=1 $(BIN)/python -m pytest -q --no-header --tb=no -p no:cacheprovider tests/golden/test_golden.py || true
	@git --no-pager diff --stat -- tests/golden
