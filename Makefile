# What is given as ETAB, NAME and FROM is text, before anything else can take it for a command: make would run $(shell …)
# in it, and a shell quotes and backticks. Folder names hold nothing either of them has a meaning for.
override ETAB := $(value ETAB)
override NAME := $(value NAME)
override FROM := $(value FROM)
LETTERS := a b c d e f g h i j k l m n o p q r s t u v w x y z 0 1 2 3 4 5 6 7 8 9 - _
without = $(if $(1),$(call without,$(wordlist 2,99,$(1)),$(subst $(firstword $(1)),,$(2))),$(2))
named = $(if $(call without,$(LETTERS),$($(1))),$(error $(1): give a name of lower case letters, digits and hyphens, \
  such as ehpad-les-tilleuls))
export FROM

# Every target starts from nothing: it sets up what it needs, and says nothing about what is already there.
# The distribution's own Python is built with optimisation, one that a version manager compiled mostly is not: Ansible
# starts a sixth faster on it. It is taken when it is new enough and can make a virtual environment.
SUITABLE := import sys, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell /usr/bin/python3 -c '$(SUITABLE)' 2>/dev/null && echo /usr/bin/python3 || echo python3)
BIN := .venv/bin
PROFILE ?= combine
# An establishment: its inventory after the common one, and the password of its own vault where there is one.
VAULT = $${ESSMS_VAULT_DIR:-$$HOME/.config/essms-hardening/vault}/$(ETAB)
INVENTORY = -i inventories/_common -i inventories/$(ETAB)
play = @password="$(VAULT)"; set -- $(INVENTORY); test ! -e "$$password" || set -- "$$@" --vault-id "$(ETAB)@$$password"; \
  $(BIN)/ansible-playbook "$$@" playbooks/$(1).yml $(ARGS)
export PATH := $(CURDIR)/$(BIN):$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
.DEFAULT_GOAL := help

.PHONY: help
help: ## Show what can be typed
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

.PHONY: setup
setup: ## Install what is missing: system packages of the lab, Python environment
	@$(PYTHON) tools/setup.py lab

.PHONY: venv
venv: # Only the Python environment: enough for anything that needs no lab
	@$(PYTHON) tools/setup.py venv

.PHONY: lab-up
lab-up: setup ## Start the lab: the real Debian hosts deb12 and deb13
	@$(PYTHON) -m tools.lab up

.PHONY: lab-down
lab-down: ## Remove the hosts of the lab (images are kept)
	@$(PYTHON) -m tools.lab down

.PHONY: demo
demo: setup ## Watch two fresh hosts being audited, hardened, audited again and rolled back
	@$(BIN)/python -m tools.demo

.PHONY: establishment
establishment: venv ## Make the folder of an establishment (NAME=ehpad-les-tilleuls; FROM=answers.yml asks nothing)
	@$(call named,NAME)$(BIN)/python tools/establishment.py new "$(NAME)" $${FROM:+--from "$$FROM"}

# Git keeps no modes: what it checked out, the owner alone may read from here on.
.PHONY: etab
etab: venv
	@$(call named,ETAB)test -n "$(ETAB)" || { echo "Say which establishment: make $(firstword $(MAKECMDGOALS)) ETAB=ehpad-les-tilleuls" >&2; exit 2; }
	@test -L "inventories/$(ETAB)" -o ! -f "inventories/$(ETAB)/establishment.yml" || chmod -R go= "inventories/$(ETAB)"

# Without its password Ansible stops with pages of its own before anything of ours can say which file is missing.
.PHONY: vault
vault: etab
	@test -e "$(VAULT)" -o -n "$(findstring vault,$(ARGS))$$ANSIBLE_VAULT_PASSWORD_FILE$$ANSIBLE_VAULT_IDENTITY_LIST" \
	  || ! grep -qs '^$$ANSIBLE_VAULT;' "inventories/$(ETAB)/group_vars/all/vault.yml" \
	  || { echo "The password of the vault of $(ETAB) is not in $(VAULT): put it there, or give ARGS=--ask-vault-pass" >&2; exit 2; }

.PHONY: validate
validate: etab ## Say everything that is wrong in the files of an establishment (ETAB=ehpad-les-tilleuls)
	@$(BIN)/python tools/establishment.py validate "$(ETAB)"

.PHONY: audit
audit: vault ## Audit an establishment, read-only (ETAB=…, ARGS="--limit poste-1")
	$(call play,audit)

.PHONY: apply
apply: vault ## Bring an establishment into line (ETAB=…, ARGS="--limit poste-1 --check --diff")
	$(call play,apply)

.PHONY: rollback
rollback: vault ## Take the last change of an establishment back (ETAB=…, ARGS="--limit poste-1")
	$(call play,rollback)

.PHONY: report
report: vault ## Make the report of an establishment anew, its PDF and its exports (ETAB=…)
	$(call play,report)

.PHONY: overview
overview: venv ## Show every establishment that has results on one page
	@$(BIN)/ansible-playbook -i localhost, playbooks/overview.yml -e essms_inventories=$(CURDIR)/inventories $(ARGS)

.PHONY: audit-here
audit-here: venv ## Audit this machine, read-only, no lab needed
	@$(BIN)/ansible-playbook --inventory inventories/here playbooks/audit.yml

.PHONY: catalogue
catalogue: venv ## Print every control as JSON (PROFILE=combine, instruction-2017, anssi-2021, renforce)
	@$(BIN)/python tools/catalogue.py --profile $(PROFILE)

.PHONY: generate
generate: venv ## Write the files that are made from the controls
	@$(BIN)/python tools/generate.py

.PHONY: setup-test
setup-test: # Everything the tests need: lab, emulated machine, browser
	@$(PYTHON) tools/setup.py test

.PHONY: setup-pages
setup-pages: # A browser to look at the pages with
	@$(PYTHON) tools/setup.py pages

.PHONY: setup-kernel
setup-kernel: # What the emulated machine needs too
	@$(PYTHON) tools/setup.py kernel

.PHONY: test
test: setup-test ## Prove everything: lint, unit tests, the built collection, every control on real hosts
	@$(BIN)/python -m tools.prove lint unit pages collection scenarios

.PHONY: lint
lint: venv ## Check style, types and generated files
	@$(BIN)/python -m tools.prove lint

.PHONY: unit
unit: venv ## Run the tests that need no host
	@$(BIN)/python -m tools.prove unit

.PHONY: pages
pages: setup-pages ## Look at the reports in a real browser: charts, filters, keyboard, paper, accessibility
	@$(BIN)/python -m tools.prove pages

.PHONY: scenarios
scenarios: setup-kernel ## Run every Molecule scenario on fresh hosts (SCENARIO=password_policy for one)
	@$(BIN)/python -m tools.prove scenarios $(addprefix --scenario ,$(SCENARIO))

.PHONY: test-kernel
test-kernel: setup-kernel ## Prove what needs a kernel of its own, in an emulated machine (no virtualisation needed)
	@$(BIN)/python -m tools.prove scenarios --scenario kernel

.PHONY: bench
bench: setup ## Measure, and print the figures as JSON
	@$(BIN)/python -m tools.bench

.PHONY: score
score: setup ## Let Lynis and OpenSCAP score a fresh host before and after our apply, and print it as JSON
	@$(BIN)/python -m tools.score

.PHONY: collection
collection: venv ## Build the collection into dist/ and check that the installed copy works
	@$(BIN)/python -m tools.collection

.PHONY: format
format: venv ## Format the Python files
	@$(BIN)/ruff format --quiet . && $(BIN)/ruff check --quiet --fix .

.PHONY: lock
lock: # Write requirements.txt anew from requirements.in
	@$(PYTHON) -m venv .cache/lock && .cache/lock/bin/pip install --quiet pip-tools
	@.cache/lock/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file requirements.txt requirements.in

.PHONY: clean
clean: lab-down ## Remove the lab's hosts and everything the tools made (images and reports are kept)
	@rm -rf .venv .cache .lab .mypy_cache .pytest_cache .ruff_cache .hypothesis dist
