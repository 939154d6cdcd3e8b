.PHONY: lab-up lab-down
lab-up:
	@python3 -m tools.lab up
lab-down:
	@python3 -m tools.lab down
