.PHONY: models-data
models-data: $(VENV)/dev.stamp .venv-models/models.stamp ## write the table of what models take, from the pinned LiteLLM
	@PYTHONPATH=functions:. $(BIN)/python -m facts .venv-models
