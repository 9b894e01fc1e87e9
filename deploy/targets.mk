# Building and deploying: make deploy ENV=dev reads samconfig.toml's section [dev].

ENV ?= default
# INSTANCES=1: the stack on Managed Instances, which is another.
INSTANCES ?=
TEMPLATE := template$(if $(INSTANCES),-instances).yaml
STACK ?= chatd$(if $(filter-out default,$(ENV)),-$(ENV))$(if $(INSTANCES),-instances)
# Both empty: samconfig.toml decides. PARAMS replaces its parameter_overrides as a whole.
ARCH ?=
PARAMS ?=
override SAM_PARAMETERS := $(if $(ARCH)$(PARAMS),--parameter-overrides Architecture=$(or $(ARCH),arm64) $(PARAMS))
SAM := SAM_CLI_TELEMETRY=0 .venv-sam/bin/sam
SAM_CONFIG = --config-file $(CURDIR)/$(1) --config-env $(ENV)
DEPLOY_PYTHON := PYTHONPATH=functions:. $(BIN)/python
SECRET := --stack $(STACK) $(if $(SECRET_ID),--secret-id '$(SECRET_ID)')

template-instances.yaml: template.yaml deploy/instances.yaml deploy/instances.py $(VENV)/run.stamp
	@$(DEPLOY_PYTHON) -m deploy.instances $@

.PHONY: build
build: .venv-sam/sam.stamp $(VENV)/run.stamp $(TEMPLATE) ## build functions and layer for Lambda (ARCH=x86_64 for another processor)
	@$(SAM) build --template-file $(TEMPLATE) $(call SAM_CONFIG,samconfig.toml) $(SAM_PARAMETERS)

.PHONY: deploy
deploy: build ## build, then deploy the stack (ENV=dev, PARAMS='Name=value …'; GUIDED=1 asks for everything; INSTANCES=1: docs/cost.md)
	@$(SAM) deploy $(SAM_PARAMETERS) $(if $(GUIDED), \
		--guided $(call SAM_CONFIG,samconfig.local.toml), \
		$(call SAM_CONFIG,$(or $(wildcard samconfig.local.toml),samconfig.toml)) --stack-name $(STACK))

.PHONY: keys
keys: $(VENV)/aws.stamp ## write providers' keys into the stack's secret (NAME=value lines on standard input)
	@$(DEPLOY_PYTHON) -m deploy.keys $(SECRET) $(if $(HELP),--help)

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
smoke: $(if $(SIGN),$(VENV)/aws.stamp,$(VENV)/run.stamp) ## ask a running gateway the gate's six points (URL=…; KEY=… or SIGN=1 if it asks who you are)
	@test -n "$(URL)" || { echo "say where it is: make smoke URL=http://127.0.0.1:3220" >&2; exit 1; }
	@$(DEPLOY_PYTHON) -m deploy.smoke '$(URL)' $(if $(MODEL),--model '$(MODEL)') $(if $(SIGN),--sign)
