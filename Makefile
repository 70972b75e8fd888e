# Two commands do everything on a fresh Debian 12 machine: `make demo` and `make test`.
PRESET ?= dev
BUILD  := build/$(PRESET)
JOBS   ?= $(shell nproc)

.PHONY: help packages build demo test asan interop bench clean
help:
	@echo "make demo     the main job, end to end, against a real Orthanc (STUDY=dir, DEMO_EXIT=1)"
	@echo "make test     install, build, and run every test"
	@echo "make asan     unit tests under AddressSanitizer and UndefinedBehaviorSanitizer"
	@echo "make interop  compare with peers from PyPI and Maven Central (cached outside the checkout)"
	@echo "make bench    performance figures as JSON"

packages:
	@./cmake/install-packages.sh

$(BUILD)/build.ninja:
	@mkdir -p $(BUILD)
	@cmake --preset $(PRESET) > $(BUILD)/configure.log 2>&1 || { cat $(BUILD)/configure.log; exit 1; }

build: packages $(BUILD)/build.ninja
	@ninja -C $(BUILD) -j $(JOBS)

demo: build
	@./sample-data/demo.sh $(BUILD)

test: build
	cd $(BUILD) && ctest --output-on-failure -j $(JOBS)

asan:
	@$(MAKE) --no-print-directory PRESET=asan asan-tests
.PHONY: asan-tests
asan-tests: build
	cd $(BUILD) && ctest --output-on-failure -j $(JOBS) -L unit

interop: build
	@./tests/interop/run.sh $(BUILD)

bench: build
	@./tests/bench/run.sh $(BUILD)

clean:
	rm -rf build
