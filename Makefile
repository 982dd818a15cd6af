# demo     draw a picture with the shipped weights
# build    the program, optimised: .build/release/lantern
# install  the program and its weights below PREFIX
# test     build and run every test, or FILTER=SUITE
# format   lay out the source as .swift-format says
# lint     check layout and the source's laws
# docs     the library's documentation, below out/documentation for a server of static files
# bench    time Lantern and PyTorch side by side
# bench-language time Lantern and llama.cpp side by side; makes 4.3 GB of random weights below LANGUAGE_FOLDER
# samples  draw everything in samples/ again
# fuzz     feed broken files to the parsers, under AddressSanitizer
# faults   let calls to the system and the allocator fail, one a run
# arm64    compare the kernels of 64-bit ARM with the portable ones, under qemu
# parity   compare every sampler with diffusers, through the program
# parity-language compare texts, and their pace, with transformers and llama.cpp; downloads 0.4 GB to LANGUAGE_FOLDER
# fixtures make every file in Tests/Fixtures again; showo's where SHOWO names a clone of Show-o, guidance's
#          where DYNTHRES names one of sd-dynamic-thresholding

PREFIX ?= /usr/local
PYTHON ?= python3
PROMPT ?= a red fox on the beach
# A release build, apart from `make build`'s and quicker to make: kernels are optimised, and what Package.swift names.
# (In a debug build the argument parser checks itself at every start of the program.)
TEST_FLAGS = -c release --scratch-path .build/tests -Xswiftc -Onone -Xswiftc -gnone -Xcc -g0 -Xcxx -O0
ifeq ($(shell uname),Linux)
# Not all tests at once, as `swift test` runs them: one that waits for an answer would wait for all the others too.
RUN_TESTS = .build/tests/release/lanternPackageTests.xctest --testing-library swift-testing \
  --experimental-maximum-parallelization-width 4
else
RUN_TESTS = swift test $(TEST_FLAGS) --skip-build
endif
test lint docs: export LANTERN_TESTED = 1
LANTERN = .build/release/lantern
# With Swift's libraries inside, the program starts sooner and runs where Swift is not installed.
RELEASE_FLAGS = -c release $(if $(filter Linux,$(shell uname)),--static-swift-stdlib)

.PHONY: demo build install test format lint docs bench bench-language samples fuzz faults arm64 parity parity-language fixtures tools

demo: build
	$(LANTERN) image "$(PROMPT)" --seed 42 -o picture.png --overwrite
	@echo "Look at picture.png, then try: $(LANTERN) image \"a penguin at night\""

build: tools
	swift build $(RELEASE_FLAGS) --product lantern

install: build
	install -d "$(PREFIX)/bin" "$(PREFIX)/share/lantern"
	install $(LANTERN) "$(PREFIX)/bin/lantern"
	cp -R weights "$(PREFIX)/share/lantern/"

test: tools
	swift build --build-tests $(TEST_FLAGS)
	$(RUN_TESTS) $(if $(FILTER),--filter "$(FILTER)")

format:
	swift format -i -r -p Package.swift Sources Tests Examples/Sources

lint:
	swift format lint --strict -r -p Package.swift Sources Tests Examples/Sources
	swift build --build-tests $(TEST_FLAGS)
	$(RUN_TESTS) --filter ArchitectureTests

docs: tools
	mkdir -p out
	swift package $(TEST_FLAGS) --allow-writing-to-directory out generate-documentation \
	  --target Lantern --warnings-as-errors --transform-for-static-hosting --output-path out/documentation
	@echo "Serve out/documentation and open /documentation/lantern/"

bench: build
	$(PYTHON) tools/bench/pytorch.py --lantern $(LANTERN)

LANGUAGE_FOLDER ?= /tmp/lantern-language

bench-language: build
	$(PYTHON) -P tools/bench/language.py $(LANGUAGE_FOLDER) --lantern $(LANTERN)

samples: build
	sh samples/draw.sh $(LANTERN)

fuzz:
	tools/fuzz/run

faults: build
	tools/faults/run --lantern $(LANTERN)

arm64:
	tools/arm64/run

parity: build
	$(PYTHON) tools/parity/parity.py $(LANTERN)
	$(PYTHON) -P tools/parity/hub.py $(LANTERN)

parity-language: build
	$(PYTHON) -P tools/parity/language.py "$(LANGUAGE_FOLDER)" $(LANTERN)

fixtures:
	for script in tools/fixtures/*.py; do \
	  case $$script in */showo.py) test -n "$$SHOWO" || continue;; \
	    */guidance.py) test -n "$$DYNTHRES" || continue;; esac; \
	  $(PYTHON) "$$script" || exit 1; \
	done

tools:
	@./bootstrap
