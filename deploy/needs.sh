# shellcheck shell=bash
# Sourced by ./dev and the scripts under deploy/: what to do when a program is missing.
#
#   need_packages WHY PACKAGE...   install Debian packages when we may, else say what to install
#   say TEXT / fail TEXT           to standard error; `fail` ends with code 3 (something outside)

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "error: $*"
    exit 3
}

have() { command -v "$1" >/dev/null 2>&1; }

# Root on Debian (or a relative with apt-get) may install; anyone else is told the exact command.
need_packages() {
    local why=$1
    shift
    if ! have apt-get; then
        fail "$why. Install what your system calls these Debian packages: $*"
    fi
    if [ "$(id -u)" -ne 0 ]; then
        fail "$why. Install it with: sudo apt-get install --no-install-recommends $*"
    fi
    say "$why: installing $*"
    local log
    log=$(mktemp)
    if ! { apt_get update && apt_get install --no-install-recommends "$@"; } >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        fail "apt-get could not install $*; its messages are above"
    fi
    rm -f "$log"
}

# A lock held by another apt run is waited for.
apt_get() {
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 "$@"
}

# A Java runtime that Kafka 4 accepts (17 or newer).
need_java() {
    have java || need_packages "Kafka needs a Java runtime" default-jre-headless
    local major
    major=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)
    [ "${major:-0}" -ge 17 ] ||
        fail "Kafka 4 needs Java 17 or newer, and 'java' is version ${major:-unknown}." \
            "Put a newer one first on PATH (Debian: openjdk-17-jre-headless or newer)."
}
