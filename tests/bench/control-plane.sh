# shellcheck shell=bash
# A real etcd and kube-apiserver for a benchmark, to be sourced: starts them, waits, and stops them at the end. Needs what
# tests/parts/control-plane.sh makes, openssl and python3.
#
# Sets: work (a folder that goes at the end), parts, port, environment (what commands run in), and kubectl.
#
# ROUND_TRIP=MILLISECONDS [MBIT=PER-SECOND]    how far away put_far_away puts it; next door, if it is not given

source tests/bench/results.sh

# start_control_plane [ETCD-FLAG...]
start_control_plane() {
    local client peer
    parts=$(tests/parts/control-plane.sh)
    work=$(mktemp -d)
    servers=()
    trap stop_control_plane EXIT
    trap 'exit 130' INT TERM
    read -r client peer port < <(
        python3 - <<'END'
import socket
held = [socket.socket() for _ in range(3)]
for one in held:
    one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in held))
END
    )
    openssl genrsa -out "$work/sa.key" 2048 2>/dev/null
    echo 'bench-token,admin,u1,"system:masters"' >"$work/tokens.csv"
    "$parts/etcd" --data-dir "$work/etcd" --listen-client-urls "http://127.0.0.1:$client" \
        --advertise-client-urls "http://127.0.0.1:$client" --listen-peer-urls "http://127.0.0.1:$peer" "$@" \
        >"$work/etcd.log" 2>&1 &
    servers+=($!)
    "$parts/kube-apiserver" --etcd-servers "http://127.0.0.1:$client" --bind-address 127.0.0.1 --secure-port "$port" \
        --cert-dir "$work/certs" --service-account-issuer https://kubernetes.default \
        --service-account-key-file "$work/sa.key" --service-account-signing-key-file "$work/sa.key" \
        --authorization-mode RBAC --token-auth-file "$work/tokens.csv" --service-cluster-ip-range 10.0.0.0/24 \
        >"$work/kube-apiserver.log" 2>&1 &
    servers+=($!)
    # The same connection for all; the server signs its own certificate.
    cat >"$work/kubeconfig" <<END
apiVersion: v1
kind: Config
clusters: [{name: bench, cluster: {server: "https://127.0.0.1:$port", insecure-skip-tls-verify: true}}]
contexts: [{name: bench, context: {cluster: bench, user: admin}}]
current-context: bench
users: [{name: admin, user: {token: bench-token}}]
END
    environment=(env -i "HOME=$work" "PATH=$parts:/usr/bin:/bin" "KUBECONFIG=$work/kubeconfig")
    until kubectl get namespace default >/dev/null 2>&1; do
        kill -0 "${servers[@]}" || { tail -5 "$work"/*.log >&2 && exit 1; }
        sleep 0.2
    done
}

# From now on commands reach the server through a network that takes its time.
put_far_away() {
    [[ -n ${ROUND_TRIP:-} ]] || return 0
    local far
    mkfifo "$work/far"
    python3 tests/bench/far.py "$port" "$ROUND_TRIP" "${MBIT:-0}" >"$work/far" &
    servers+=($!)
    read -r far <"$work/far"
    sed -i "s/127.0.0.1:$port/127.0.0.1:$far/" "$work/kubeconfig"
    echo "the server is $ROUND_TRIP ms away${MBIT:+, over $MBIT Mbit/s}" >&2
}

stop_control_plane() {
    # What they keep goes anyway, and kube-apiserver does not end while etcd is gone.
    ((${#servers[@]} == 0)) || kill -KILL "${servers[@]}" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$work"
}

kubectl() { "${environment[@]}" "$parts/kubectl" "$@"; }
