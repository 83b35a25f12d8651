# tokenauth: bearer tokens, resolved from a shared cache that is never stale.
#
#	make && make install		needs PostgreSQL's server headers
#	make uninstall				refuses while a server preloads the library
#	make installcheck			the regression tests, as any superuser, against a running
#								server that preloads the library and has
#								tokenauth.last_used_flush = 1h; all else: CONTRIBUTING.md
#	make TESTING=1				with pause points and planted faults, for the
#								specs and the stress test; not for production

# Of the library and the release; the SQL's is default_version in the control file.
TOKENAUTH_VERSION = 1.0.0

MODULE_big = tokenauth
EXTENSION = tokenauth
DATA = tokenauth--1.0.sql
PGFILEDESC = "tokenauth - bearer tokens"

# Also where the build happens in another folder (make -f .../Makefile).
SRCTOP := $(dir $(firstword $(MAKEFILE_LIST)))
SOURCES = $(sort $(wildcard $(SRCTOP)src/*.c $(SRCTOP)src/*/*.c))
ALL_HEADERS = $(wildcard $(SRCTOP)src/*/*.h)
OBJS = $(patsubst $(SRCTOP)%.c,%.o,$(SOURCES))

REGRESS = install registry api bad_input expiry hits privileges transactions mapping parent_values stored pepper scopes several wild overlooked \
	service_multica service_dify service_visiona service_scrabble service_xtablo \
	types conditions names ddl settings property lifecycle identity last_used warm inspect doctor doctor_fixes findings \
	migrate attack_null attack_owner attack_hash attack_registry swap out_of_sight collation timeouts reference

PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers -fvisibility=hidden
PG_CPPFLAGS = -I$(SRCTOP)src -DTOKENAUTH_VERSION='"$(TOKENAUTH_VERSION)"'

# What attaching says of a table, and what becomes of a token.
REGRESS += samples explain indexes citext

# The life of a token, and who it is.
REGRESS += id_types grant bind one_query by_id create_table on_revoke revoke_prevented attack_identity one_answer long_tokens attack_lifecycle rotation orm_tables

# Nobody gets more than was granted.
REGRESS += version attack_fix attack_alive attack_tokens attack_prefix attack_rls attack_caller attack_code attack_stats attack_references own_tables owner_rights
REGRESS += attack_cursors attack_session revoke_all attack_retype attack_facts attack_kin attack_counts attack_told attack_outage attack_ending attack_watchers attack_carried attack_readers attack_many attack_scopes attack_meanwhile attack_asked attack_fixed attack_succession attack_life attack_revoked

ifdef TESTING
PG_CPPFLAGS += -DTOKENAUTH_TESTING
REGRESS += testing_format testing_writes
ISOLATION = $(sort $(patsubst specs/%.spec,%,$(wildcard specs/*.spec)))
endif

SHLIB_LINK = $(filter -lcrypto, $(LIBS))

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# Objects depend on all headers: there are few, and a stale one costs an hour.
$(OBJS): $(ALL_HEADERS) $(SRCTOP)Makefile

# A server that preloads the library would not start without it.
uninstall uninstall-lib: unused
.PHONY: unused dist
unused:
ifndef DESTDIR
	@sh $(SRCTOP)scripts/in-use '$(pkglibdir)/tokenauth.so' '$(MAJORVERSION)'
endif

# For PGXN: what is committed.
dist:
	git archive --format zip --prefix=tokenauth-$(TOKENAUTH_VERSION)/ \
		-o tokenauth-$(TOKENAUTH_VERSION).zip HEAD

# In another folder there are no rooms yet.
ifneq ($(SRCTOP),./)
$(shell mkdir -p $(dir $(OBJS)))
endif
