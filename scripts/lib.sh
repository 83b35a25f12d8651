# Shared by the scripts here and bench/run; not for calling.
#
# Everything happens in one scratch folder: a copy of the sources for each
# build, a private copy of the server for each build to be installed into, and
# the clusters.  Nothing is installed into the system but Debian packages that
# are missing, no server of the user's is touched, and the folder is removed at
# the end.

set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Where scripts/server keeps what it has built.
if [ "$(id -u)" = 0 ]; then
    SERVERS=/var/cache/tokenauth            # others are not let into root's home
else
    SERVERS=${XDG_CACHE_HOME:-$HOME/.cache}/tokenauth
fi
SERVERS=${TOKENAUTH_SERVERS:-$SERVERS}

say() { printf '\n=== %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

apt_update() {
    if [ -z "${APT_UPDATED:-}" ]; then
        apt-get -qq update
        APT_UPDATED=1
    fi
}

# borrow COMMAND PACKAGE: have a program without installing its package, which
# would start a service.
borrow() {
    command -v "$1" >/dev/null && return
    [ "$(id -u)" = 0 ] || die "$1 is missing; install: $2"
    apt_update
    echo "unpacking $2"
    mkdir -p "$SCRATCH/borrowed"
    (
        cd "$SCRATCH/borrowed"
        apt-get -qq -o APT::Sandbox::User=root download "$2" &&
            dpkg-deb -x "$2"_*.deb .
    ) >"$SCRATCH/apt.log" 2>&1 ||
        { cat "$SCRATCH/apt.log" >&2; die "could not get $2"; }
    export PATH=$PATH:$SCRATCH/borrowed/usr/bin
}

# need COMMAND-OR-FILE PACKAGE...: install the packages unless it is there.
need() {
    local what=$1
    shift
    case $what in
        /*) [ -e "$what" ] && return ;;
        *) command -v "$what" >/dev/null && return ;;
    esac
    [ "$(id -u)" = 0 ] || die "$what is missing; install: $*"
    apt_update
    echo "installing $*"
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
        install "$@" >/dev/null 2>"$SCRATCH/apt.log" ||
        { cat "$SCRATCH/apt.log" >&2; die "could not install $*"; }
}

# A scratch folder that the unprivileged user can write to, gone at exit.
make_scratch() {
    SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/tokenauth.XXXXXX")
    chmod 755 "$SCRATCH"
    # the unprivileged user may not be let into the folder that we came from
    cd "$SCRATCH"
    trap 'status=$?; stop_clusters; rm -rf "$SCRATCH"; exit $status' EXIT
    trap 'exit 130' INT TERM
}

# PostgreSQL refuses to run as root, so root becomes this user for it.
as_user() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid=postgres --regid=postgres --init-groups \
            env HOME="$SCRATCH/home" "$@"
    else
        "$@"
    fi
}

give_to_user() {
    if [ "$(id -u)" = 0 ]; then
        chown -R postgres:postgres "$@"
    fi
}

# packaged MAJOR: whether that server is installed or could be.
packaged() {
    [ -x "/usr/lib/postgresql/$1/bin/postgres" ] && return
    [ "$(id -u)" = 0 ] || return
    [[ $(apt-cache policy "postgresql-$1") == *"Candidate: "[0-9]* ]]
}

default_major() {
    local major
    for major in 18 17 16 15; do
        ! packaged "$major" || { PG_MAJOR=$major; return; }
    done
    [ -z "${APT_UPDATED:-}" ] || die "no PostgreSQL of 15 to 18 is packaged here"
    [ "$(id -u)" = 0 ] || die "no PostgreSQL of 15 to 18 is installed"
    apt_update
    default_major
}

# need_server [--debug | --valgrind]: that of PG_MAJOR or, if that is not set, of
# the newest major that this machine has.  Sets SYSTEM_PG_CONFIG.
need_server() {
    need gcc gcc libc6-dev
    need make make
    [ -n "${PG_MAJOR:-}" ] || default_major
    SYSTEM_PG_CONFIG=$("$TOP/scripts/server" "$PG_MAJOR" "$@")
    need /usr/include/openssl/evp.h libssl-dev
    # brings the user postgres, even where the server is not Debian's
    [ "$(id -u)" != 0 ] || need /usr/share/postgresql-common postgresql-common
    mkdir "$SCRATCH/home"
    give_to_user "$SCRATCH/home"
}

# need_from_npm PACKAGE...: have them in NODE_PATH.  Where npm cannot get them, that is
# said, and what needs them is skipped.
need_from_npm() {
    node -e 'process.argv.slice(1).forEach(require)' "${@%@*}" 2>/dev/null && return
    if HOME=$SCRATCH timeout 300 npm install --silent --no-audit --no-fund \
        --prefix "$SCRATCH/npm" "$@" >"$SCRATCH/npm.log" 2>&1; then
        export NODE_PATH=$SCRATCH/npm/node_modules
    else
        cat "$SCRATCH/npm.log"
        echo "npm could not get $*: Node is not tried"
    fi
}

# need_for PART...: what these parts of the tests need besides the server.
need_for() {
    local part
    for part; do
        case $part in
            lint) need json_pp perl ;;
            clang) need clang clang ;;
            model)
                need spin spin
                need /usr/include/relacy/relacy.hpp relacy-dev
                need g++ g++
                ;;
            prove)
                need prove perl
                need /usr/share/perl5/IPC/Run.pm libipc-run-perl
                need /usr/sbin/pgbouncer pgbouncer
                need /usr/lib/python3/dist-packages/psycopg_pool python3-asyncpg python3-django \
                    python3-psycopg python3-psycopg2 python3-psycopg-pool python3-sqlalchemy
                ;;
            tap)
                need_for prove
                need faketime faketime
                borrow prometheus-postgres-exporter prometheus-postgres-exporter
                borrow promtool prometheus
                ;;
            examples)
                need_for prove
                need go golang-go
                need /usr/share/gocode/src/github.com/jackc/pgx/v4 golang-github-jackc-pgx-v4-dev
                need /usr/share/gocode/src/github.com/lib/pq golang-github-lib-pq-dev
                need npm npm
                need_from_npm fastify@4 pg postgres     # 5 is not for Debian 12's Node
                export GOCACHE=$SCRATCH/go
                mkdir -p "$GOCACHE"
                give_to_user "$GOCACHE"
                ;;
            stress) need "$("$SYSTEM_PG_CONFIG" --includedir)/libpq-fe.h" libpq-dev ;;
        esac
    done
}

# private_server NAME: a copy of the installed server.  It finds its files
# relative to its programs, so it works where it is, and what we install into
# it is seen by nobody else.  Sets SERVER_BIN.
private_server() {
    local root=$SCRATCH/server-$1
    local dir

    for dir in --bindir --pkglibdir --sharedir --pkgincludedir; do
        dir=$("$SYSTEM_PG_CONFIG" "$dir")
        mkdir -p "$root$(dirname "$dir")"
        cp -a "$(readlink -f "$dir")" "$root$dir"
    done
    # links to the time zones and the like point out of the copied folders
    SERVER_BIN=$root$("$SYSTEM_PG_CONFIG" --bindir)
}

# copy_sources FOLDER: without what was built.
copy_sources() {
    mkdir "$1"
    tar -C "$TOP" --exclude=./.git --exclude=./build --exclude='*.o' --exclude='*.bc' \
        --exclude='*.so' -cf - . | tar -C "$1" -xf -
}

# build NAME [make arguments]: build a copy of the sources and install it into
# the private server of that name.  Warnings are errors.  Sets TREE.
#
# Where several jobs ask for the same (scripts/check-all), TOKENAUTH_BUILDS is a
# folder in which it is built once, and a copy of that is taken.
build() {
    local name=$1
    shift
    if [ -n "${TOKENAUTH_BUILDS:-}" ]; then
        copy_build "$name" "$@"
    else
        make_build "$name" "$@"
    fi
    give_to_user "$TREE"
}

# What has been compiled before is taken from there, wherever its folder was.
with_ccache() {
    if command -v ccache >/dev/null; then
        env PATH="/usr/lib/ccache:$PATH" CCACHE_DIR="$SERVERS/ccache" \
            CCACHE_BASEDIR="$SCRATCH" CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=500M "$@"
    else
        "$@"
    fi
}

make_build() {
    local name=$1
    shift
    TREE=$SCRATCH/tree-$name
    copy_sources "$TREE"
    private_server "$name"
    with_ccache make -s -C "$TREE" -j"$(nproc)" with_llvm=no COPT=-Werror \
        PG_CONFIG="$SERVER_BIN/pg_config" "$@" install \
        >"$SCRATCH/build-$name.log" 2>&1 ||
        { cat "$SCRATCH/build-$name.log"; die "the build failed"; }
}

# The server's files are linked, not copied: what is installed over them later is
# another file then, for install(1) unlinks first.
copy_build() {
    local name=$1
    shift
    local built=$TOKENAUTH_BUILDS/$(md5sum <<<"$SYSTEM_PG_CONFIG $*" | cut -c 1-16)
    (
        exec 6>"$built.lock"
        flock 6
        [ ! -e "$built/done" ] || exit 0
        rm -rf "$built"
        mkdir "$built" && SCRATCH=$built make_build all "$@" && touch "$built/done"
    ) || die "the build failed"
    TREE=$SCRATCH/tree-$name
    cp -a "$built/tree-all" "$TREE"
    cp -al "$built/server-all" "$SCRATCH/server-$name"
    SERVER_BIN=$SCRATCH/server-$name$("$SYSTEM_PG_CONFIG" --bindir)
}

CLUSTERS=()

# start_cluster NAME [line of configuration]...: a throw-away cluster of the
# private server built last, with its own socket folder and no TCP port.
# POSTGRES is the program to start, if not the server's own.  Sets PGHOST,
# PGPORT, PGUSER for its clients.  These are a superuser, but not the first one, of
# whom too much can be taken for granted: his name, and his OID.
start_cluster() {
    local name=$1 data=$SCRATCH/$1-data socket=$SCRATCH/$1-socket
    shift
    mkdir "$data" "$socket"
    give_to_user "$data" "$socket"
    as_user "$SERVER_BIN/initdb" -D "$data" -U postgres -A trust -N \
        --no-locale -E UTF8 >/dev/null
    {
        echo "listen_addresses = ''"
        echo "unix_socket_directories = '$socket'"
        echo "fsync = off"
        echo "shared_preload_libraries = 'tokenauth'"
        printf '%s\n' "$@"
    } >>"$data/postgresql.conf"
    as_user "$SERVER_BIN/pg_ctl" -w -t 300 ${POSTGRES:+-p "$POSTGRES"} -D "$data" \
        -l "$data/log" start >/dev/null ||
        { cat "$data/log"; die "the cluster did not start"; }
    CLUSTERS+=("$SERVER_BIN|$data")
    export PGHOST=$socket PGPORT=5432 PGUSER=boss PGDATABASE=postgres
    as_user "$SERVER_BIN/createuser" -U postgres -s boss
}

stop_clusters() {
    local cluster
    for cluster in "${CLUSTERS[@]:-}"; do
        [ -n "$cluster" ] || continue
        as_user "${cluster%%|*}/pg_ctl" -D "${cluster##*|}" -m immediate stop \
            >/dev/null 2>&1 || true
    done
    CLUSTERS=()
}

# prove_tree [option of prove]... FILE...: TAP tests of the tree built last, on its
# private server.  Their clusters are copies of one, for initdb takes seconds.
prove_tree() {
    local pgxs template=$SCRATCH/template-$(basename "$TREE")
    pgxs=$(dirname "$(dirname "$("$SERVER_BIN/pg_config" --pgxs)")")
    mkdir -p "$TREE/tmp_check"
    give_to_user "$TREE/tmp_check"
    if [ ! -e "$template" ]; then
        mkdir "$template"
        give_to_user "$template"
        as_user "$SERVER_BIN/initdb" -D "$template" -A trust -N >/dev/null
    fi
    (
        cd "$TREE"
        as_user env -u PGHOST -u PGPORT -u PGUSER -u PGDATABASE \
            PATH="$SERVER_BIN:$PATH" PG_REGRESS="$pgxs/test/regress/pg_regress" \
            INITDB_TEMPLATE="$template" TESTDIR="$TREE" \
            TESTDATADIR="$TREE/tmp_check" TESTLOGDIR="$TREE/tmp_check/log" \
            ${PROVE_TIMEOUT:+timeout "$PROVE_TIMEOUT"} prove -I "$pgxs/test/perl" -I t "$@"
    )
}

# ---------- results; NAME is what is being tested ----------

# note PART TEXT: a line of the summary, with the time since "begin"
note() {
    printf '%-12s %-22s %-26s %4d s\n' "$NAME" "$1" "$2" "$((SECONDS - STARTED))" |
        tee -a "$SCRATCH/results" >>"${ALL_RESULTS:-/dev/null}"
}

begin() {
    say "$NAME: $1"
    STARTED=$SECONDS
}

# result PART PASSED FAILED
result() { note "$1" "$(printf '%4d passed %4d failed' "$2" "$3")"; }

# name_failures PART LOG: which tests failed, from the output of pg_regress or prove,
# for the summary, whose readers may not have the log.
name_failures() {
    { grep -hE '^(not ok |test .*FAILED|#   (Failed test|at t/)|t/[0-9a-z_]+\.pl +\(Wstat)' "$2" || true; } |
        sed -E 's/ +/ /g' | head -n 20 |
        while read -r line; do printf '%-12s %-22s %.120s\n' "$NAME" "$1" "$line"; done |
        tee -a "$SCRATCH/results" >>"${ALL_RESULTS:-/dev/null}"
}

# one PART COMMAND...: a part that is one test
one() {
    local part=$1
    shift
    begin "$part"
    if "$@"; then result "$part" 1 0; else result "$part" 0 1; fi
}

# summarize RESULTS: the tests that passed and failed, from the lines of summaries.
# Fails if one has failed, or none has run.
summarize() {
    awk '{ for (i = 2; i <= NF; i++) {
               if ($i == "passed") passed += $(i - 1)
               if ($i == "failed") failed += $(i - 1) } }
        END { printf "\n%d passed, %d failed\n", passed, failed
              exit failed > 0 || passed == 0 }' "$1"
}
