# shellcheck shell=bash
# What the scripts share; sourced. After it: root, PG_CONFIG, PG_MAJOR, from_debian, as_server, give, quietly, prepare,
# work_directory.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
mkdir -p build
umask 022

# Nothing of the caller may lead to another cluster, or change how we build.
for name in $(compgen -e PG || true); do
    case $name in PG_CONFIG | PG_MAJOR | PG_TEST_TIMEOUT_DEFAULT) ;; *) unset "$name" ;; esac
done
export PGHOST=/nonexistent # until a cluster of ours says where it is
unset MAKEFLAGS MFLAGS MAKELEVEL
export LC_ALL=C.UTF-8 LANG=C.UTF-8 PAGER=cat # PostgreSQL::Test takes LC_ALL away

# The server to build for and to run: that of PG_CONFIG, else Debian's of the major version PG_MAJOR. Debian's own pg_config, not
# the wrapper, which may point elsewhere.
export PG_CONFIG=${PG_CONFIG:-/usr/lib/postgresql/${PG_MAJOR:-15}/bin/pg_config}
# shellcheck disable=SC2034 # of who sources this
if [[ $PG_CONFIG =~ ^/usr/lib/postgresql/([0-9]+)/bin/pg_config$ ]]; then
    from_debian=yes
    PG_MAJOR=${BASH_REMATCH[1]}
else
    from_debian=
    PG_MAJOR=$("$PG_CONFIG" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
fi
export PG_MAJOR

# PostgreSQL refuses to run as root: then its servers are those of the account that the package makes, else of the caller.
server_user() {
    if [ "$(id -u)" -ne 0 ]; then
        id -un
    elif getent passwd postgres >/dev/null; then
        echo postgres
    else
        echo nobody
    fi
}

# Gives a path to that account.
give() { [ "$(id -u)" -ne 0 ] || chown -R "$(server_user):" "$1"; }

# Runs a command as that account; from /, since it may not be able to read this repository.
as_server() {
    if [ "$(id -u)" -eq 0 ]; then
        (cd / && exec runuser -u "$(server_user)" -- "$@")
    else
        (cd / && exec "$@")
    fi
}

say() { echo "$*" >&2; }

# quietly LOG WHAT COMMAND…: the output goes to the log, and to the screen only when the command fails.
quietly() {
    local log=$1 what=$2
    shift 2
    say "… $what"
    if ! "$@" >>"$log" 2>&1 </dev/null; then
        tail -n 60 "$log" >&2
        say "failed: $what (all of it: $log)"
        return 1
    fi
}

# Packages and extension.
prepare_extension() {
    : >build/prepare.log
    quietly "$root/build/prepare.log" "packages" scripts/install-packages &&
        quietly "$root/build/prepare.log" "the extension" make -j2 all
}

# And the simulator: all that a private cluster needs.
prepare() {
    prepare_extension && quietly "$root/build/prepare.log" "the vendor simulator" make -C test/vendor
}

# A new directory that belongs to the servers' account alone.
work_directory() {
    local directory
    directory=$(mktemp -d "${TMPDIR:-/tmp}/lpr.XXXXXX")
    give "$directory"
    readlink -f "$directory"
}
