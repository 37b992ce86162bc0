# One Makefile for everything; `make help` lists what people use. All output goes below $(BUILD).
BUILD ?= build
SAN   ?=
JOBS  ?= $(shell nproc 2>/dev/null || echo 1)
CC    := gcc
FLOORS := core web ingest gpu_embed dataset reward vote cmd

# Sanitized builds live beside the plain one, so that switching rebuilds nothing.
ifeq ($(SAN),asan)
O := $(BUILD)/asan
SANFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else ifeq ($(SAN),tsan)
O := $(BUILD)/tsan
SANFLAGS := -fsanitize=thread -fno-omit-frame-pointer
else
O := $(BUILD)
SANFLAGS :=
endif

# Crash tests cut transactions at named points; only their own build has them.
FAILPOINTS ?=
ifneq ($(FAILPOINTS),)
O := $(O)/failpoints
SANFLAGS += -DWINNOW_FAILPOINTS
endif

PACKAGES := libpq libcurl libsodium libcrypto libssl libxxhash zlib yajl libutf8proc
HAVE_PACKAGES := $(shell pkg-config --exists $(PACKAGES) 2>/dev/null && echo yes)
LIB_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
LIB_LIBS   := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)
VERSION := $(shell cat VERSION 2>/dev/null)

CFLAGS  ?= -O2 -g
WARN    := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Wformat=2 -Wno-format-nonliteral
ALL_CFLAGS = -std=gnu11 $(CFLAGS) $(WARN) $(SANFLAGS) -D_GNU_SOURCE -DH2O_USE_LIBUV=0 -DWINNOW_VERSION='"$(VERSION)"' -fstack-protector-strong -fPIE -MMD -MP -I. -I$(BUILD)/gen $(LIB_CFLAGS)
LDFLAGS_ALL = $(SANFLAGS) -pie -rdynamic -Wl,-z,relro,-z,now
LIBS = -lh2o-evloop $(LIB_LIBS) -lcsv -lpthread -lm -ldl

SOURCES := $(foreach f,$(FLOORS),$(wildcard $(f)/*.c))
QUERIES := $(wildcard sql/queries/*.sql)
MIGRATIONS := $(sort $(wildcard sql/migrations/*.sql))
PAGE := $(sort $(wildcard web/page/*))
GEN_SQL := $(patsubst sql/queries/%.sql,$(BUILD)/gen/sql_%.h,$(QUERIES))
GEN := $(GEN_SQL) $(BUILD)/gen/sql_all.h $(BUILD)/gen/migrations.h $(BUILD)/gen/roles.h $(BUILD)/gen/page_files.h $(BUILD)/gen/openapi_parts.h

# What may be used below a folder, in link order: STYLE's table of floors.
BELOW_core :=
BELOW_web := core
BELOW_ingest := web core
BELOW_gpu_embed := web core
BELOW_dataset := web core
BELOW_reward := ingest gpu_embed dataset web core
BELOW_vote := reward ingest gpu_embed dataset web core
BELOW_cmd := vote reward ingest gpu_embed dataset web core

.DEFAULT_GOAL := all
.PHONY: all
all: $(O)/winnow $(BUILD)/compile_commands.json ## build build/winnow (and build/winnow_cuda.so where nvcc is found)

ifneq ($(HAVE_PACKAGES),yes)
$(O)/winnow: | need-packages
.PHONY: need-packages
need-packages:
	@echo 'Some Debian packages are missing. Run: make deps' >&2; exit 1
endif

# ---- generated code -----------------------------------------------------------------------------
$(BUILD)/gen/sql_%.h: sql/queries/%.sql ops/sql_to_c.awk
	@mkdir -p $(@D)
	@awk -v folder=$* -f ops/sql_to_c.awk $< > $@.new && mv $@.new $@
$(BUILD)/gen/sql_all.h: $(GEN_SQL)
	@{ echo '/* Made by the Makefile: every statement of every folder, for the tests. */'; echo '#pragma once'; \
	for f in $(basename $(notdir $(QUERIES))); do echo "#include \"sql_$$f.h\""; done; \
	echo 'static const struct { const char *folder; const struct sql_statement *const *statements; } sql_all[] = {'; \
	for f in $(basename $(notdir $(QUERIES))); do echo "	{ \"$$f\", sql_$${f}_all },"; done; \
	echo '	{ NULL, NULL }'; echo '};'; } > $@.new && mv $@.new $@
$(BUILD)/gen/migrations.h: $(MIGRATIONS) ops/files_to_c.sh
	@mkdir -p $(@D)
	@sh ops/files_to_c.sh migration $(MIGRATIONS) > $@.new && mv $@.new $@
$(BUILD)/gen/roles.h: sql/roles.sql ops/files_to_c.sh
	@mkdir -p $(@D)
	@sh ops/files_to_c.sh roles_file sql/roles.sql > $@.new && mv $@.new $@
$(BUILD)/gen/page_files.h: $(PAGE) ops/files_to_c.sh
	@mkdir -p $(@D)
	@sh ops/files_to_c.sh page_file $(PAGE) > $@.new && mv $@.new $@
$(BUILD)/gen/openapi_parts.h: web/openapi_components.json ops/files_to_c.sh
	@mkdir -p $(@D)
	@sh ops/files_to_c.sh openapi_part web/openapi_components.json > $@.new && mv $@.new $@

# ---- objects, one archive a folder -----------------------------------------------------------------
$(O)/obj/%.o: %.c | $(GEN)
	@mkdir -p $(@D)
	@echo "  CC $<"; $(CC) $(ALL_CFLAGS) -c $< -o $@
# What only some processors can run is compiled for them and chosen when the program runs.
AVX2 := -O3 -mavx2 -mpopcnt
AVX512 := -O3 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mpopcnt
$(foreach f,$(O) $(BUILD)/fuzz,$(eval $(f)/obj/gpu_embed/backend_avx2.o $(f)/obj/gpu_embed/range_avx2.o: ALL_CFLAGS += $(AVX2)))
$(foreach f,$(O) $(BUILD)/fuzz,$(eval $(f)/obj/gpu_embed/backend_avx512.o $(f)/obj/gpu_embed/range_avx512.o: ALL_CFLAGS += $(AVX512)))
define FOLDER_LIB
$(O)/lib/lib$(1).a: $(patsubst %.c,$(O)/obj/%.o,$(wildcard $(1)/*.c))
	@mkdir -p $$(@D); rm -f $$@; ar rcs $$@ $$^
endef
$(foreach f,$(filter-out cmd,$(FLOORS)),$(eval $(call FOLDER_LIB,$(f))))
$(O)/lib/libcmd.a: $(patsubst %.c,$(O)/obj/%.o,$(filter-out cmd/main.c,$(wildcard cmd/*.c)))
	@mkdir -p $(@D); rm -f $@; ar rcs $@ $^

$(O)/winnow: $(O)/obj/cmd/main.o $(O)/lib/libcmd.a $(foreach f,$(BELOW_cmd),$(O)/lib/lib$(f).a)
	@echo "  LD $@"; $(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# ---- CUDA: an object of its own, built where nvcc is, found when winnow runs, never needed -------------------
NVCC := $(firstword $(shell command -v nvcc 2>/dev/null) $(wildcard /usr/local/cuda/bin/nvcc))
ifneq ($(NVCC),)
CUDA_INCLUDE := $(dir $(realpath $(NVCC)))../include
# Machine code for Hopper, whose own instructions the range search uses, and PTX for all that came and will come.
NVCC_FLAGS := -O3 -std=c++17 -I. -gencode arch=compute_90a,code=sm_90a -gencode arch=compute_80,code=compute_80 -Xcompiler -fPIC,-fvisibility=hidden -MMD
CUDA_KERNELS := $(patsubst gpu_embed/cuda/%.cu,$(BUILD)/cuda/%.o,$(wildcard gpu_embed/cuda/*.cu))
CUDA_HOST := $(patsubst gpu_embed/cuda/%.c,$(BUILD)/cuda/%.o,$(wildcard gpu_embed/cuda/*.c))
$(BUILD)/cuda/%.o: gpu_embed/cuda/%.cu
	@mkdir -p $(@D); echo "  NVCC $<"; $(NVCC) $(NVCC_FLAGS) -c $< -o $@
$(BUILD)/cuda/%.o: gpu_embed/cuda/%.c
	@mkdir -p $(@D)
	@echo "  CC $<"; $(CC) $(filter-out $(SANFLAGS) -fPIE,$(ALL_CFLAGS)) -fPIC -fvisibility=hidden -I$(CUDA_INCLUDE) -c $< -o $@
$(BUILD)/cuda/%.o: tests/gpu_embed/cuda/%.cu
	@mkdir -p $(@D); echo "  NVCC $<"; $(NVCC) $(NVCC_FLAGS) -c $< -o $@
$(BUILD)/winnow_cuda.so: $(CUDA_KERNELS) $(CUDA_HOST)
	@echo "  LD $@"; $(NVCC) -shared -cudart static -Xlinker --exclude-libs,ALL -Xcompiler -static-libstdc++,-static-libgcc -o $@ $^
# An nvcc too old for Hopper, or without its libraries, does not keep winnow from being built.
all: winnow-cuda
.PHONY: winnow-cuda
winnow-cuda:
	@$(MAKE) --no-print-directory BUILD=$(BUILD) $(BUILD)/winnow_cuda.so || echo 'winnow_cuda.so could not be built; nothing but speed is missing without it'
# What a machine with a GPU and nothing else can run: see ops/gpu_check.sh.
GPU_CHECK_PARTS := $(patsubst gpu_embed/%.c,$(BUILD)/obj/gpu_embed/%.o,$(wildcard gpu_embed/backend_*.c gpu_embed/range*.c) gpu_embed/dispatch.c gpu_embed/cuda_loader.c)
$(BUILD)/tests/gpu_check: $(patsubst %,$(BUILD)/obj/tests/gpu_embed/%.o,cuda/gpu_check points vectors) $(GPU_CHECK_PARTS) $(BUILD)/obj/core/error.o $(BUILD)/cuda/gpu_measure.o $(CUDA_KERNELS)
	@mkdir -p $(@D); echo "  LD $@"; $(NVCC) -cudart static -Xcompiler -static-libstdc++,-static-libgcc -o $@ $^
.PHONY: gpu-check
gpu-check: $(BUILD)/winnow_cuda.so $(BUILD)/tests/gpu_check ## build what ops/gpu_check.sh runs on a machine with a GPU
-include $(wildcard $(BUILD)/cuda/*.d)
endif

# ---- tests: each folder's link with that folder and lower floors only -------------------------------
TEST_SHARED := $(wildcard tests/*.c)
define FOLDER_TEST
$(O)/tests/$(1)_test: $(patsubst %.c,$(O)/obj/%.o,$(wildcard tests/$(1)/*.c) $(TEST_SHARED)) $(O)/lib/lib$(1).a $(foreach b,$(BELOW_$(1)),$(O)/lib/lib$(b).a)
	@mkdir -p $$(@D); echo "  LD $$@"; $(CC) $(LDFLAGS_ALL) -o $$@ $$^ $(LIBS) -lcunit
endef
$(foreach f,$(FLOORS),$(eval $(call FOLDER_TEST,$(f))))
TEST_BINARIES := $(foreach f,$(FLOORS),$(if $(wildcard tests/$(f)/*.c),$(O)/tests/$(f)_test))

# Other people's hostile input lies beside a checkout, where it lies at all; tests that want it skip without.
WINNOW_DATA ?= $(abspath $(wildcard ../shared/data))
export WINNOW_DATA

.PHONY: test tests
tests: $(TEST_BINARIES) $(O)/winnow
test: deps-test ## all tests that need only Debian packages; last line "N passed, N failed, N skipped"
	@$(MAKE) --no-print-directory -j$(JOBS) SAN=$(SAN) BUILD=$(BUILD) tests
	@$(MAKE) --no-print-directory -j$(JOBS) SAN=$(SAN) BUILD=$(BUILD) FAILPOINTS=1 $(O)/failpoints/winnow
	@sh tests/run.sh $(O) $(TEST_BINARIES) $(O)/tests/sim

# What runs threads of its own: the server's lanes and loops, the workers, the signers.
THREADED := core web gpu_embed
.PHONY: test-threads
test-threads: deps-test ## what runs threads, under ThreadSanitizer
	@$(MAKE) --no-print-directory -j$(JOBS) SAN=tsan BUILD=$(BUILD) $(patsubst %,$(BUILD)/tsan/tests/%_test,$(THREADED))
	@failed=0; for folder in $(THREADED); do echo "$$folder:"; $(BUILD)/tsan/tests/$${folder}_test >$(BUILD)/tsan/$$folder.log 2>&1 || failed=1; \
	grep -E '^FAIL|^WARNING: ThreadSanitizer' $(BUILD)/tsan/$$folder.log; tail -n 1 $(BUILD)/tsan/$$folder.log; done; exit $$failed

# ---- what may happen to a node: kills at every named point, a sick database, a power cut -----------------------
.PHONY: test-crash
test-crash: deps-test ## kill -9 at every fail point, PostgreSQL's faults, power cuts (as root): tables; POINTS=pattern
	@$(MAKE) --no-print-directory -j$(JOBS) SAN=$(SAN) BUILD=$(BUILD) tests
	@$(MAKE) --no-print-directory -j$(JOBS) SAN=$(SAN) BUILD=$(BUILD) FAILPOINTS=1 $(O)/failpoints/winnow
	@failed=0; for script in start_cut crash postgres_faults power_cut; do \
	WINNOW_BIN=$(abspath $(O)/winnow) sh tests/crash/$$script.sh || failed=1; done; exit $$failed

# ---- the pure files of votes and money under one seed, with a clock and faults of their own (docs/simulation.md) ----
$(O)/tests/sim: $(patsubst %.c,$(O)/obj/%.o,$(wildcard tests/sim/*.c)) $(O)/lib/libvote.a $(foreach b,$(BELOW_vote),$(O)/lib/lib$(b).a)
	@mkdir -p $(@D); echo "  LD $@"; $(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)
tests: $(O)/tests/sim
SIM_OPERATIONS ?= 10000000
SIM_SEED ?= 1
.PHONY: sim mutants
sim: deps ## ten million simulated operations under sanitizers, every oracle asked; SIM_OPERATIONS, SIM_SEED
	@$(MAKE) --no-print-directory -j$(JOBS) SAN=asan BUILD=$(BUILD) $(BUILD)/asan/tests/sim
	@$(BUILD)/asan/tests/sim --total $(SIM_OPERATIONS) --seed $(SIM_SEED) --jobs $(JOBS)
mutants: deps-test ## wrong rules, one at a time: the simulation or a folder's tests must notice each; MUTANT=part of a name
	@$(MAKE) --no-print-directory -j$(JOBS) BUILD=$(BUILD) $(BUILD)/tests/sim $(BUILD)/tests/vote_test $(BUILD)/tests/reward_test
	@CC='$(CC)' CFLAGS='$(filter-out -MMD -MP -DWINNOW_VERSION=%,$(ALL_CFLAGS))' LDFLAGS='$(LDFLAGS_ALL)' LIBS='$(LIBS)' \
	sh tests/sim/mutants.sh $(BUILD) $(MUTANT)

# ---- other people's tools judge what winnow speaks: exact versions from npm, promtool, minisign ---------------------
ECOSYSTEM := $(BUILD)/ecosystem
$(ECOSYSTEM)/installed: tests/ecosystem/package.json tests/ecosystem/package-lock.json tests/ecosystem/.npmrc
	@mkdir -p $(@D); cp $^ $(@D); cd $(@D) && npm ci --loglevel=error && touch installed
.PHONY: test-ecosystem
test-ecosystem: deps-test ## signatures, openapi.json, metrics, journal and datasets before npm's tools and promtool
	@sh ops/deps.sh packages-ecosystem.txt $$(command -v npm >/dev/null || echo packages-npm.txt)
	@$(MAKE) -s --no-print-directory -j$(JOBS) SAN=$(SAN) BUILD=$(BUILD) $(O)/winnow $(ECOSYSTEM)/installed
	@WINNOW_BIN=$(abspath $(O)/winnow) sh tests/ecosystem/ecosystem.sh $(ECOSYSTEM)

# ---- measuring: every row with its peer in one run; BENCH=row runs one -------------------------------------
BENCH ?=
$(O)/tests/bench: $(patsubst %.c,$(O)/obj/%.o,$(wildcard tests/bench/*.c) tests/vote/scribe.c tests/dataset/version_sample.c tests/gpu_embed/points.c tests/gpu_embed/vectors.c tests/gpu_embed/made_posts.c tests/gpu_embed/corpus.c $(filter-out tests/main.c,$(TEST_SHARED))) $(O)/lib/libcmd.a $(foreach b,$(BELOW_cmd),$(O)/lib/lib$(b).a)
	@mkdir -p $(@D); echo "  LD $@"; $(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) -lcunit
.PHONY: bench
bench: deps-test ## ours and its peers by turns, CPU time and ratios; build/bench.json; BENCH=row runs one row
	@$(MAKE) --no-print-directory -j$(JOBS) BUILD=$(BUILD) $(O)/tests/bench $(O)/winnow
	@WINNOW=$(O)/winnow $(O)/tests/bench $(BUILD)/bench.json $(BENCH)

# ---- fuzzing: the sources once more, by clang, with every parser's entry linked to its floors -------------------
FUZZ_SECONDS ?= 20
FUZZ_CC := $(firstword $(foreach c,clang clang-19 clang-16 clang-14,$(if $(shell command -v $(c) 2>/dev/null),$(c))))
F := $(BUILD)/fuzz
# Warnings are gcc's business. Older clangs do not say that they sanitize; core/arena.c and web/server.c ask.
FUZZ_FLAGS = $(filter-out $(SANFLAGS) $(WARN),$(ALL_CFLAGS)) -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -U__SANITIZE_ADDRESS__ -D__SANITIZE_ADDRESS__
FUZZ_PROGRAMS := $(patsubst tests/fuzz/%_fuzz.c,$(F)/%,$(wildcard tests/fuzz/*_fuzz.c))
FUZZ_OBJECTS := $(patsubst %.c,$(F)/obj/%.o,$(filter-out cmd/%,$(SOURCES)))
.SECONDARY: $(FUZZ_OBJECTS)
$(F)/obj/%.o: %.c | $(GEN)
	@mkdir -p $(@D)
	@echo "  FUZZ CC $<"; $(FUZZ_CC) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -c $< -o $@
$(F)/%: tests/fuzz/%_fuzz.c $(FUZZ_OBJECTS)
	@echo "  FUZZ LD $@"; $(FUZZ_CC) $(FUZZ_FLAGS) -fsanitize=fuzzer -rdynamic -pie -o $@ $^ $(LIBS)
.PHONY: fuzz-programs
fuzz-programs: $(FUZZ_PROGRAMS)
# The same entries with the ordinary compiler and a main() that reads files: `make test` sends the corpora through.
REPLAYS := $(patsubst tests/fuzz/%_fuzz.c,$(O)/replay/%,$(wildcard tests/fuzz/*_fuzz.c))
.SECONDARY: $(patsubst %.c,$(O)/obj/%.o,$(wildcard tests/fuzz/*_fuzz.c tests/fuzz/replay/*.c))
$(O)/replay/%: $(O)/obj/tests/fuzz/%_fuzz.o $(O)/obj/tests/fuzz/replay/replay.o $(foreach f,$(filter-out cmd,$(BELOW_cmd)),$(O)/lib/lib$(f).a)
	@mkdir -p $(@D); echo "  LD $@"; $(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)
tests: $(REPLAYS)
fuzz: deps ## every parser against libFuzzer for FUZZ_SECONDS (20) each; needs the Debian package clang
	@if [ -z '$(FUZZ_CC)' ]; then echo 'clang absent: make fuzz needs the Debian package clang (apt-get install clang)'; exit 0; fi; \
	$(MAKE) --no-print-directory -j$(JOBS) BUILD=$(BUILD) fuzz-programs && sh tests/fuzz/run.sh $(F) $(FUZZ_SECONDS)

# ---- what people run ------------------------------------------------------------------------------------
.PHONY: deps deps-test run stop demo fuzz tidy format clean help schema
deps: ## install the Debian packages of ops/packages.txt (root or sudo; otherwise prints them)
	@sh ops/deps.sh packages.txt
deps-test: ## those and what the tests need besides
	@sh ops/deps.sh packages.txt packages-test.txt
run: deps ## dependencies, build, node and page on 127.0.0.1:8080; Ctrl-C stops the server
	@$(MAKE) --no-print-directory -j$(JOBS) BUILD=$(BUILD) all
	@exec $(BUILD)/winnow up
stop: ## stop the node, and the PostgreSQL that `make run` leaves running
	@$(BUILD)/winnow down
DEMO_DIR ?= ../shared/data/weather-campaign
demo: deps ## the whole main job over a recorded campaign: make demo DEMO_DIR=folder
	@$(MAKE) --no-print-directory -j$(JOBS) BUILD=$(BUILD) all
	@$(BUILD)/winnow backtest $(DEMO_DIR)
schema: $(O)/tests/core_test ## write sql/schema.sql anew from the migrations
	@WINNOW_SCHEMA_WRITE=sql/schema.sql $(O)/tests/core_test the_schema_file_shows_what_the_migrations_make
tidy: ## includes against the table of floors, house rules
	@sh ops/tidy.sh
format: ## clang-format over all sources
	@clang-format -i $(SOURCES) $(wildcard */*.h tests/*.[ch] tests/*/*.[ch])
clean: ## remove everything below build/
	@rm -rf $(BUILD)
help: ## this list
	@awk -F': .*## |: ## ' '/^[a-z-]+:.*## /{n=$$1; sub(/:.*/,"",n); printf "  make %-14s %s\n", n, $$NF}' $(MAKEFILE_LIST)

$(BUILD)/compile_commands.json: Makefile $(SOURCES)
	@mkdir -p $(@D)
	@sh ops/compile_commands.sh '$(CC) $(filter-out -MMD -MP,$(ALL_CFLAGS))' $(SOURCES) > $@

-include $(shell find $(O)/obj $(F) -name '*.d' 2>/dev/null)
