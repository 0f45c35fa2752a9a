# lpr, a PostgreSQL extension. `make` and `make install` as with any extension; `make help` lists the rest.
# `make demo` and `make test` need nothing but git and make: they install the packages of packages.txt themselves.

PG_CONFIG ?= pg_config

EXTENSION = lpr
LPR_VERSION := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" lpr.control)

MODULE_big = lpr
SOURCES := $(sort $(filter-out %_data.c,$(wildcard extension/*.c extension/*/*.c)))
GENERATED = extension/base/unicode_data.c extension/core/place_data.c
OBJS = $(SOURCES:.c=.o) $(GENERATED:.c=.o)

# Scripts of versions that were released stay as they are (sql/README.md); from the newest of them an update leads to this one.
TOPICS := $(sort $(wildcard sql/[0-9][0-9]-*.sql))
DATA = $(wildcard sql/lpr--*.sql)
LPR_VERSION_BEFORE := $(shell ls sql | sed -n 's/^lpr--\([0-9.]*\)[.]sql$$/\1/p' | sort -V | tail -n 1)
DATA_built = build/sql/lpr--$(LPR_VERSION).sql build/sql/lpr--$(LPR_VERSION_BEFORE)--$(LPR_VERSION).sql

# C11; gnu11 since the server's headers use typeof, and no -Wunused-parameter since its callbacks have their signatures.
# The server's headers count as system headers (-isystem wins over the -I of PGXS): their warnings are not ours.
# `make WERROR=` builds with a compiler that warns of more than ours does.
WERROR = -Werror
PG_CPPFLAGS = -Iextension -isystem $(includedir_server) -DLPR_VERSION='"$(LPR_VERSION)"' \
	-DLPR_VERSION_BEFORE='"$(LPR_VERSION_BEFORE)"'
PG_CFLAGS = -std=gnu11 -Wextra -Wno-unused-parameter $(WERROR) -MMD -MP
SHLIB_LINK = -lcurl -ljson-c -lcrypto -lm
override with_llvm = no # nothing here is worth inlining into expressions

EXTRA_CLEAN = $(OBJS:.o=.d) $(GENERATED) build/made-for build/prepare.log build/reference*.md build/test build/model build/clocks build/bench # a sandbox stays
WITH_MAKEFILE := $(patsubst %/Makefile,%,$(wildcard test/vendor/Makefile test/unit/Makefile test/fuzz/Makefile test/verify/Makefile verify/Makefile bench/Makefile))
FORMATTED := $(filter-out $(GENERATED),$(wildcard $(addsuffix /*.[ch],extension extension/* verify test/vendor test/unit test/fuzz test/verify bench)))
SHELL_SCRIPTS := $(shell grep -lE '^\#!/bin/(ba)?sh' .ci/run bench/* scripts/* test/run test/clocks test/initdb test/matrix test/lint/* test/model/* test/verify/* 2>/dev/null) $(wildcard scripts/*.sh)

all:

PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifneq ($(wildcard $(PGXS)),)
include $(PGXS)
# Debian's server was built by gcc: clang is spared the flags that it does not know.
ifneq ($(findstring clang,$(shell $(CC) --version 2>/dev/null)),)
known = $(shell $(CC) -Werror $(1) -fsyntax-only -x c /dev/null 2>/dev/null && echo '$(1)')
override CFLAGS := $(foreach flag,$(CFLAGS),$(if $(filter -M%,$(flag)),$(flag),$(call known,$(flag))))
endif
else
all install:
	@echo "$(PG_CONFIG) not found: make deps installs what the build needs" >&2; exit 1
endif

# A build with other flags, of other headers or for another server is another build.
$(OBJS): Makefile lpr.control build/made-for
build/made-for: made-for = $(CC) $(COPT) $(VERSION)
build/made-for: always
	@mkdir -p build && { echo '$(made-for)' | cmp -s - $@ || echo '$(made-for)' >$@; }
-include $(wildcard $(OBJS:.o=.d))

build/sql/lpr--$(LPR_VERSION).sql: $(TOPICS) Makefile lpr.control
	@mkdir -p $(@D)
	cat $(TOPICS) >$@.new && mv $@.new $@

build/sql/lpr--$(LPR_VERSION_BEFORE)--$(LPR_VERSION).sql: $(TOPICS) $(DATA) $(wildcard sql/update/*.sql) scripts/update-script Makefile lpr.control
	@mkdir -p $(@D)
	scripts/update-script $(LPR_VERSION_BEFORE) >$@.new && mv $@.new $@

extension/core/place_data.c: data/us-boundary.txt scripts/boundary-to-c.awk
	awk -f scripts/boundary-to-c.awk data/us-boundary.txt >$@.new && mv $@.new $@

extension/base/unicode_data.c: data/unicode-fold.txt scripts/unicode-to-c.awk
	awk -f scripts/unicode-to-c.awk data/unicode-fold.txt >$@.new && mv $@.new $@

# The verifier needs no database; it is installed beside the server's programs all the same, and can be copied from there.
all: lpr-audit-verify
lpr-audit-verify:
	@$(MAKE) -s -C verify
install: install-verify
install-verify: lpr-audit-verify
	$(MKDIR_P) '$(DESTDIR)$(bindir)'
	$(INSTALL_PROGRAM) verify/lpr-audit-verify '$(DESTDIR)$(bindir)/lpr-audit-verify'
uninstall: uninstall-verify
uninstall-verify:
	rm -f '$(DESTDIR)$(bindir)/lpr-audit-verify'

clean: clean-below
clean-below:
	@for part in $(WITH_MAKEFILE); do $(MAKE) -s -C $$part clean; done

help:
	@echo 'make, make install      build and install the extension (PG_CONFIG=… for another server)'
	@echo 'make deps               install the Debian packages of packages.txt that are missing'
	@echo 'make demo               the story of an analyst, on a private cluster that goes afterwards'
	@echo 'make sandbox            eval "$$(make sandbox)": a cluster and vendors that stay; make sandbox-down ends them'
	@echo 'make test               everything; single suites: test-unit test-verify test-regress test-isolation test-tap test-conformance'
	@echo '                        TESTS="names" picks files of regress, isolation or tap'
	@echo 'make test-clocks        the part that minds the clock, at the end of an hour, a day, a month, a year, on 29 February, as summer time begins and ends;'
	@echo '                        MOMENTS="month summer" SUITES="tap" TESTS="names"'
	@echo 'make test-chaos         KILLS=1000 of backends, the audit writer, the whole server, under load: is all on record?'
	@echo 'make test-toggles       TOGGLES=10000 rights that come and go under load: is one ever stale?'
	@echo 'make test-model         the seam of askers and audit writer as a model, every state of it; faults planted in it are found'
	@echo 'make test-versions      the tests on PostgreSQL 15, 17 and 18, each in the Debian that has it; VERSIONS="17" SUITES="build regress"'
	@echo 'make test-compilers     gcc and clang, -O2 and -O3 -flto, and the sanitizers'
	@echo 'make test-asan fuzz     unit tests under the address sanitizer; page parsers fuzzed for SECONDS=60, random queries'
	@echo 'make mutants            safeguards taken out one at a time: what does no test notice?'
	@echo '                        ONLY="gate policies triggers constraints guards" N=1/4 TAP=no'
	@echo 'make bench              ratios against what a user would pick instead'
	@echo 'make reference          renew docs/reference*.md from the catalogue'
	@echo 'make format lint        clang-format; format, shellcheck, rooms, sizes'

deps:
	@scripts/install-packages

demo:
	@scripts/demo

sandbox:
	@scripts/sandbox up

sandbox-down:
	@scripts/sandbox down

test:
	@test/run

test-lint test-unit test-verify test-reference test-regress test-isolation test-tap test-conformance test-model test-chaos:
	@test/run $(@:test-%=%)

test-toggles:
	@LPR_TOGGLES=$(or $(TOGGLES),10000) TESTS=447_toggles PG_TEST_TIMEOUT_DEFAULT=$(or $(PG_TEST_TIMEOUT_DEFAULT),600) test/run tap

test-versions test-compilers:
	@test/matrix $(@:test-%=%)

test-clocks:
	@test/clocks $(MOMENTS)

# Hours, with TAP tests; a minute or so for a hundred of what walks see.
mutants: deps
	@test/mutants

test-asan: deps
	@$(MAKE) -C test/unit check SANITIZE=1
	@$(MAKE) -C test/verify check SANITIZE=1 ROUNDS=10

fuzz: deps
	@$(MAKE) -C test/fuzz run SECONDS=$(or $(SECONDS),60)
	@LPR_SEED=any LPR_QUERIES=1000 TESTS=250_differential test/run tap

bench: deps
	@$(MAKE) --no-print-directory -C bench

reference:
	@mkdir -p build && scripts/reference build && mv build/reference.md build/reference-internal.md docs/

format:
	clang-format -i $(FORMATTED)

LINTS = format shell layers externs sizes lines ascii readers errors gate columns model times bench planted
lint: $(addprefix lint-,$(LINTS))

# For test/run, which counts them one by one.
lint-names:
	@echo $(addprefix lint-,$(LINTS))

lint-format:
	clang-format --dry-run -Werror $(FORMATTED)

lint-shell:
	shellcheck -x -P SCRIPTDIR -e SC2013,SC2016 $(SHELL_SCRIPTS)

lint-layers:
	scripts/layers

lint-externs: all
	scripts/externs $(OBJS) -- $(wildcard verify/build/plain/*.o)

lint-sizes:
	scripts/sizes

lint-lines:
	scripts/line-length

lint-readers:
	scripts/readers

lint-ascii:
	scripts/ascii

lint-errors:
	scripts/errors

lint-gate:
	scripts/gate

lint-columns:
	scripts/columns
lint-model:
	scripts/model

# No test runs the bench, so it is built here.
lint-bench:
	$(MAKE) -s -C bench peers

lint-times:
	scripts/test-times

lint-planted:
	test/lint/planted

.PHONY: always clean-below lpr-audit-verify install-verify uninstall-verify help deps demo sandbox sandbox-down test test-lint test-unit test-verify test-reference test-regress test-isolation test-tap test-model test-clocks test-chaos test-toggles test-versions test-compilers test-asan \
	fuzz bench reference format lint lint-names $(addprefix lint-,$(LINTS))
