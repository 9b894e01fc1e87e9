# Build and deploy. Every command reads one configuration. The variables below have precedence over
# the section ENV of samconfig.local.toml, and that over the same section of samconfig.toml.

ENV ?= default
# INSTANCES=1 selects the separate stack on Managed Instances.
INSTANCES ?=
# Empty takes the files' value. PARAMS='Name=value …' overrides single template parameters.
STACK ?=
REGION ?=
PROFILE ?=
ARCH ?=
export PARAMS ?=
# YES=1 skips every confirmation, for CI.
YES ?=
TEMPLATE := template$(if $(INSTANCES),-instances).yaml
SAM := SAM_CLI_TELEMETRY=0 .venv-sam/bin/sam
DEPLOY_PYTHON := PYTHONPATH=functions:. $(BIN)/python
CHOICES := --env '$(ENV)' $(if $(STACK),--stack '$(STACK)') $(if $(REGION),--region '$(REGION)') \
	$(if $(PROFILE),--profile '$(PROFILE)') $(if $(INSTANCES),--instances)
SECRET := $(CHOICES) $(if $(SECRET_ID),--secret-id '$(SECRET_ID)')
# The SAM CLI reads one file, so deploy/write_samconfig.py writes the merged configuration to it.
SAM_CONFIG := --config-file "$(CURDIR)/.aws-sam/samconfig.toml"

template-instances.yaml: template.yaml deploy/managed_instances.yaml deploy/template_overlay.py $(VENV)/run.stamp
	@$(DEPLOY_PYTHON) -m deploy.template_overlay $@

.PHONY: configuration
configuration: $(VENV)/run.stamp
	@$(DEPLOY_PYTHON) -m deploy.write_samconfig $(CHOICES) $(if $(ARCH),--architecture '$(ARCH)') \
		$(if $(YES),--yes) $(CONFIGURATION) .aws-sam/samconfig.toml

.PHONY: build
build: configuration .venv-sam/sam.stamp $(TEMPLATE) ## build the functions and the layer for Lambda (ARCH=x86_64 changes the processor)
	@$(SAM) build --template-file $(TEMPLATE) $(SAM_CONFIG)
	@$(DEPLOY_PYTHON) -m deploy.check_bytecode .aws-sam/build

.PHONY: deploy
deploy: CONFIGURATION := --confirms $(if $(GUIDED),--guided)
deploy: build ## build, then deploy the stack (ENV=dev, PARAMS='Name=value …'; GUIDED=1 asks for every setting; YES=1 skips confirmation; INSTANCES=1: docs/cost.md)
	@$(SAM) deploy $(SAM_CONFIG)

.PHONY: delete
delete: configuration $(VENV)/aws.stamp .venv-sam/sam.stamp ## delete the stack, but keep its secrets (YES=1 skips confirmation)
	@$(DEPLOY_PYTHON) -m deploy.retained_secrets $(CHOICES)
	@$(SAM) delete $(SAM_CONFIG) $(if $(YES),--no-prompts)

.PHONY: keys
keys: $(VENV)/aws.stamp ## write providers' keys into the stack's secret (NAME=value lines on standard input; HELP=1)
	@$(DEPLOY_PYTHON) -m deploy.provider_keys $(SECRET) $(if $(HELP),--help)

.PHONY: caller-key
caller-key: $(VENV)/aws.stamp ## create a caller's key and show it once (NAME=alice; ROTATE=1 replaces it)
	@test -n "$(NAME)" || { echo "the caller has no name: make caller-key NAME=alice" >&2; exit 1; }
	@$(DEPLOY_PYTHON) -m deploy.caller_keys $(SECRET) add $(if $(ROTATE),--rotate) -- "$(NAME)"

.PHONY: caller-keys
caller-keys: $(VENV)/aws.stamp ## list the callers' names
	@$(DEPLOY_PYTHON) -m deploy.caller_keys $(SECRET) list

.PHONY: revoke-caller-key
revoke-caller-key: $(VENV)/aws.stamp ## revoke a caller's key (NAME=alice)
	@test -n "$(NAME)" || { echo "the caller has no name: make revoke-caller-key NAME=alice" >&2; exit 1; }
	@$(DEPLOY_PYTHON) -m deploy.caller_keys $(SECRET) revoke -- "$(NAME)"

.PHONY: smoke
smoke: $(if $(URL),$(if $(SIGN),$(VENV)/aws.stamp,$(VENV)/run.stamp),$(VENV)/aws.stamp) ## check the acceptance gate's six points at the stack or at URL=… (KEY=… or SIGN=1 authenticates)
	@$(DEPLOY_PYTHON) -m deploy.smoke $(CHOICES) $(if $(MODEL),--model '$(MODEL)') $(if $(SIGN),--sign) \
		$(if $(URL),'$(URL)')

.PHONY: providers
providers: $(VENV)/run.stamp $(if $(STACK)$(SIGN)$(CHATD_SECRET_ID),$(VENV)/aws.stamp) ## list the providers of make run and what unlocks the others (URL=… or STACK=…: of a deployment; HELP=1)
	@$(DEPLOY_PYTHON) -m deploy.providers $(if $(HELP),--help,$(CHOICES) $(if $(SIGN),--sign) $(if $(URL),'$(URL)'))
