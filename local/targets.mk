# Run the gateway on this machine.

.PHONY: run
run: $(VENV)/run.stamp $(if $(CHATD_SECRET_ID)$(CHATD_IDEMPOTENCY_TABLE)$(CHATD_RESPONSES_TABLE),$(VENV)/aws.stamp) ## serve the gateway at http://127.0.0.1:3220 (HELP=1 lists the settings)
	@PYTHONPATH=functions exec $(BIN)/python -m local $(if $(HELP),--help)

.PHONY: aws-local
aws-local: $(VENV)/dev.stamp ## serve the gateway with its keys in a local Secrets Manager
	@PYTHONPATH=functions exec $(BIN)/python -m local.aws
