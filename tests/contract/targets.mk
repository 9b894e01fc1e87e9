# The abilities of each provider's row, from chats with strict fakes of the vendors.

.PHONY: abilities
abilities: $(VENV)/dev.stamp ## run the chats of the contract with every provider and write what each can do (docs/provider_abilities.json)
	@PYTHONPATH=functions:. $(BIN)/python -m tests.contract.vendor_abilities >/dev/null
	@$(MAKE) docs
