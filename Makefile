# Only short names for what `./ftl` does; `./ftl help` knows more.
#   make run ARCH=arm64        make test FILTER=http        make run SYSTEM=default
ARCH ?= riscv64
SYSTEM ?=
FILTER ?=

run:
	@./ftl run $(SYSTEM) --arch $(ARCH)
build:
	@./ftl build $(SYSTEM) --arch $(ARCH)
test:
	@./ftl test $(FILTER) $(if $(filter command environment,$(firstword $(origin ARCH))),--arch $(ARCH))
check doctor clean:
	@./ftl $@
bench:
	@./ftl bench --arch $(ARCH)

.PHONY: run build test check bench doctor clean
