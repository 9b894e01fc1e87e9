# Building and deploying. Every command reads one configuration: the section ENV of samconfig.toml,
# with the same section of samconfig.local.toml over it, and what is set below over both.

ENV ?= default
# INSTANCES=1: the stack on Managed Instances, which is another.
INSTANCES ?=
# Empty: the files decide. PARAMS='Name=value …' goes over their parameters one by one.
STACK ?=
REGION ?=
PROFILE ?=
ARCH ?=
export PARAMS ?=
# YES=1 asks nothing, for CI.
YES ?=
TEMPLATE := template$(if $(INSTANCES),-instances).yaml
SAM := SAM_CLI_TELEMETRY=0 .venv-sam/bin/sam
DEPLOY_PYTHON := PYTHONPATH=functions:. $(BIN)/python
CHOICES := --env '$(ENV)' $(if $(STACK),--stack '$(STACK)') $(if $(REGION),--region '$(REGION)') \
	$(if $(PROFILE),--profile '$(PROFILE)') $(if $(INSTANCES),--instances)
SECRET := $(CHOICES) $(if $(SECRET_ID),--secret-id '$(SECRET_ID)')
# What the SAM CLI reads: it takes one file, so deploy/configuration.py writes the whole into it.
SAM_CONFIG := --config-file "$(CURDIR)/.aws-sam/samconfig.toml"

template-instances.yaml: template.yaml deploy/instances.yaml deploy/template_overlay.py $(VENV)/run.stamp
	@$(DEPLOY_PYTHON) -m deploy.template_overlay $@

.PHONY: configuration
configuration: $(VENV)/run.stamp
	@$(DEPLOY_PYTHON) -m deploy.configuration $(CHOICES) $(if $(ARCH),--architecture '$(ARCH)') \
		$(if $(YES),--yes) $(CONFIGURATION) .aws-sam/samconfig.toml

.PHONY: build
build: configuration .venv-sam/sam.stamp $(TEMPLATE) ## build functions and layer for Lambda (ARCH=x86_64 for another processor)
	@$(SAM) build --template-file $(TEMPLATE) $(SAM_CONFIG)
	@$(DEPLOY_PYTHON) -m deploy.check_bytecode .aws-sam/build

.PHONY: deploy
deploy: CONFIGURATION := --confirms $(if $(GUIDED),--guided)
deploy: build ## build, then deploy the stack (ENV=dev, PARAMS='Name=value …'; GUIDED=1 asks for everything, YES=1 for nothing; INSTANCES=1: docs/cost.md)
	@$(SAM) deploy $(SAM_CONFIG)

.PHONY: delete
delete: configuration $(VENV)/aws.stamp .venv-sam/sam.stamp ## delete the stack, but not its secrets (YES=1 asks nothing)
	@$(DEPLOY_PYTHON) -m deploy.retained_secrets $(CHOICES)
	@$(SAM) delete $(SAM_CONFIG) $(if $(YES),--no-prompts)

.PHONY: keys
keys: $(VENV)/aws.stamp ## write providers' keys into the stack's secret (NAME=value lines on standard input)
	@$(DEPLOY_PYTHON) -m deploy.provider_keys $(SECRET) $(if $(HELP),--help)

.PHONY: caller-key
caller-key: $(VENV)/aws.stamp ## make a caller's key and show it once (NAME=alice; ROTATE=1 replaces)
	@test -n "$(NAME)" || { echo "say whose key it is: make caller-key NAME=alice" >&2; exit 1; }
	@$(DEPLOY_PYTHON) -m deploy.caller_keys $(SECRET) add $(if $(ROTATE),--rotate) -- "$(NAME)"

.PHONY: caller-keys
caller-keys: $(VENV)/aws.stamp ## list the callers' names
	@$(DEPLOY_PYTHON) -m deploy.caller_keys $(SECRET) list

.PHONY: revoke-caller-key
revoke-caller-key: $(VENV)/aws.stamp ## make a caller's key worthless (NAME=alice)
	@test -n "$(NAME)" || { echo "say whose key it is: make revoke-caller-key NAME=alice" >&2; exit 1; }
	@$(DEPLOY_PYTHON) -m deploy.caller_keys $(SECRET) revoke -- "$(NAME)"

.PHONY: smoke
smoke: $(if $(URL),$(if $(SIGN),$(VENV)/aws.stamp,$(VENV)/run.stamp),$(VENV)/aws.stamp) ## check the gate's six points at the stack (or at URL=…; KEY=… or SIGN=1 if it asks who you are)
	@$(DEPLOY_PYTHON) -m deploy.smoke $(CHOICES) $(if $(MODEL),--model '$(MODEL)') $(if $(SIGN),--sign) \
		$(if $(URL),'$(URL)')
