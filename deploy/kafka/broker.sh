# shellcheck shell=bash
# Sourced by start and stop: the state file that names one broker process exactly.
#
# DIR/broker.state holds the process id together with the process's start time, so that a
# number which the system has given to another process since is never mistaken for ours.

# The start time of process $1 in clock ticks since boot; fails when there is none.
process_start() {
    local stat fields
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    # The name in parentheses may hold spaces: count fields after it. State Z is already dead.
    read -r -a fields <<<"${stat##*) }"
    [ "${fields[0]}" != Z ] || return 1
    printf '%s\n' "${fields[19]}"
}

# write_state DIR PID PORT TEMPORARY
write_state() {
    printf 'pid=%s\nstarted=%s\nbootstrap=127.0.0.1:%s\ntemporary=%s\n' \
        "$2" "$(process_start "$2" || echo 0)" "$3" "$4" >"$1/broker.state"
}

# state DIR KEY
state() { sed -n "s/^$2=//p" "$1/broker.state" 2>/dev/null; }

running() {
    [ -e "$1/broker.state" ] || return 1
    [ "$(process_start "$(state "$1" pid)")" = "$(state "$1" started)" ]
}

report() {
    printf 'bootstrap=%s\ndir=%s\n' "$(state "$1" bootstrap)" "$1"
    local secure
    secure=$(state "$1" secure)
    [ -z "$secure" ] || printf 'secure=%s\n' "$secure"
}

# end_process PID STARTED: asks, waits up to 20 s, then ends it.
end_process() {
    local waited=0
    kill -TERM "$1" 2>/dev/null || return 0
    while [ "$(process_start "$1")" = "$2" ]; do
        if [ "$waited" -ge 200 ]; then
            kill -KILL "$1" 2>/dev/null || true
            return 0
        fi
        sleep 0.1
        waited=$((waited + 1))
    done
}
