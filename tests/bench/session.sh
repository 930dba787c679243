# shellcheck shell=bash
# For the scripts beside it, which source it: a home folder of one's own, with what keeps credentials in it.
# Everything is in $folder; it goes, and every process of `children` ends, with the script. Where a script defines a
# function `leave`, that is called before.

folder=$(mktemp -d)
children=()

stop() {
    ! declare -F leave >/dev/null || leave
    [[ ${GNUPGHOME:-} != "$folder/gnupg" ]] || gpgconf --kill all 2>/dev/null || true
    for child in "${children[@]}"; do
        kill "$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT TERM

# need PROGRAM...: ends the script where one of them is missing
need() {
    local part
    for part; do command -v "$part" >/dev/null || { echo "missing: $part" >&2; exit 2; }; done
}

# until_true COMMAND...: waits until it succeeds
until_true() {
    local tries=600
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        ((tries > 0)) || { echo "timed out waiting for: $*" >&2; exit 2; }
        sleep 0.05
    done
}

# A D-Bus session bus with an unlocked gnome-keyring on it, for this home.
start_keyring() {
    mkdir -m 700 "$folder/home" "$folder/run"
    cat >"$folder/bus.conf" <<XML
<busconfig><type>session</type><listen>unix:path=$folder/run/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>
XML
    export HOME=$folder/home XDG_RUNTIME_DIR=$folder/run DBUS_SESSION_BUS_ADDRESS=unix:path=$folder/run/bus
    unset DISPLAY WAYLAND_DISPLAY
    dbus-daemon --config-file="$folder/bus.conf" --nofork --nopidfile 2>/dev/null &
    children=("$!" "${children[@]}")
    until_true test -S "$folder/run/bus"
    gnome-keyring-daemon --unlock --components=secrets --foreground >/dev/null 2>&1 < <(printf pw) &
    children=("$!" "${children[@]}")
    until_true gdbus call --session --dest org.freedesktop.secrets \
        --object-path /org/freedesktop/secrets/collection/login \
        --method org.freedesktop.DBus.Properties.Get org.freedesktop.Secret.Collection Locked
}

# A password store for this home, whose key has no passphrase: nobody is asked, and its agent has nothing to wait for.
start_pass() {
    mkdir -m 700 "$folder/gnupg"
    export GNUPGHOME=$folder/gnupg PASSWORD_STORE_DIR=$folder/store
    gpg --batch --quiet --passphrase '' --quick-generate-key bench default default never 2>/dev/null
    pass init bench >/dev/null
}
