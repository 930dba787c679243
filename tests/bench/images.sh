#!/usr/bin/env bash
# Measures images list and images prune with 5,000 tags at a real Gitea that it starts itself, beside a shell loop of curl
# that does the same: the list of all rows and every manifest; the deletion of tags one by one. And images check, of as many
# Deployments as tags are pruned, on a real kube-apiserver. Prints requests, seconds and memory. Minutes; needs what
# tests/parts/gitea.sh and tests/parts/control-plane.sh make, curl, jq, sqlite3, openssl and python3.
#
#   tests/bench/images.sh [PROGRAM]     default: the release build of kubectl-regcred, which is made when it is missing
#   COUNT=N GOING=N                     tags (default 5000), and how many of them are checked and pruned (default 500)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

COUNT=${COUNT:-5000}
GOING=${GOING:-500}
program=${1:-target/release/kubectl-regcred}
[[ -x $program ]] || cargo build --release --locked --bin kubectl-regcred
program=$(realpath "$program")
gitea=$(tests/parts/gitea.sh)

source tests/bench/control-plane.sh
start_control_plane --unsafe-no-fsync
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
registry=127.0.0.1:$port
cat >"$work/app.ini" <<END
RUN_USER = $(id -un)
RUN_MODE = prod
WORK_PATH = $work
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = $port
ROOT_URL = http://$registry/
STATIC_ROOT_PATH = $gitea
OFFLINE_MODE = true
DISABLE_SSH = true
[database]
DB_TYPE = sqlite3
PATH = $work/gitea.db
[security]
INSTALL_LOCK = true
[log]
ROOT_PATH = $work
MODE = console
LEVEL = warn
logger.access.MODE = access
[log.access]
MODE = file
LEVEL = info
FILE_NAME = access.log
END
admin() { HOME=$work "$gitea/gitea" admin --config "$work/app.ini" --work-path "$work" "$@"; }
HOME=$work "$gitea/gitea" web --config "$work/app.ini" --work-path "$work" >"$work/log" 2>&1 &
servers+=($!)
until curl -fs "http://$registry/api/healthz" >/dev/null; do sleep 0.2; done
admin user create --username admin --password "a password" --email a@example.com --must-change-password=false >/dev/null
token=$(admin user generate-access-token --username admin --token-name bench --scopes write:package --raw | tail -n 1)

echo "pushing $COUNT tags" >&2
python3 - "$port" "$token" "$COUNT" <<'END'
import base64, hashlib, http.client, json, sys
port, token, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
server = http.client.HTTPConnection("127.0.0.1", port)
basic = base64.b64encode(f"admin:{token}".encode()).decode()

def ask(method, path, body=b"", kind="application/octet-stream", auth=None):
    for _ in range(5):
        server.request(method, path, body, {"Authorization": auth or bearer, "Content-Type": kind})
        answer = server.getresponse()
        text = answer.read()
        # SQLite is busy now and then.
        if answer.status < 500:
            break
    assert answer.status < 300, (method, path, answer.status, text)
    return answer, text

bearer = "Bearer " + json.loads(ask("GET", "/v2/token", auth=f"Basic {basic}")[1])["token"]

def blob(kind, content):
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    answer, _ = ask("POST", "/v2/admin/app/blobs/uploads/")
    path = "/v2/" + answer.getheader("Location").split("/v2/")[1]
    ask("PUT", f"{path}{'&' if '?' in path else '?'}digest={digest}", content)
    return {"mediaType": kind, "digest": digest, "size": len(content)}

layer = blob("application/vnd.oci.image.layer.v1.tar", bytes(1 << 20))
for number in range(count):
    config = {"architecture": "amd64", "os": "linux", "config": {"Labels": {"number": str(number)}}}
    config = blob("application/vnd.oci.image.config.v1+json", json.dumps(config).encode())
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": [layer]}
    ask("PUT", f"/v2/admin/app/manifests/v{number:05}", json.dumps(manifest).encode(), kind)
END
sqlite3 -cmd ".timeout 10000" "$work/gitea.db" "UPDATE package_version SET created_unix = created_unix - 864000 + id;"
REGISTRY=$registry TOKEN=$token python3 - "$GOING" <<'END' | kubectl create -f - >/dev/null
import base64, json, os, sys
registry = os.environ["REGISTRY"]
auth = base64.b64encode(f"admin:{os.environ['TOKEN']}".encode()).decode()
config = json.dumps({"auths": {registry: {"auth": auth}}})
objects = [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "gitea"}, "type": "kubernetes.io/dockerconfigjson",
            "stringData": {".dockerconfigjson": config}}]
for number in range(int(sys.argv[1])):
    name, image = f"app-{number}", f"{registry}/admin/app:v{number:05}"
    spec = {"imagePullSecrets": [{"name": "gitea"}], "containers": [{"name": "app", "image": image}]}
    template = {"metadata": {"labels": {"app": name}}, "spec": spec}
    objects.append({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
                    "spec": {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": template}})
print(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
END
load=$(cut -d' ' -f1-3 /proc/loadavg)

# row NAME LINE COMMAND...: its requests, seconds, and the most memory that it held; LINE is that of the plot, if any
row() {
    local name=$1 line=$2 before after
    shift 2
    before=$(wc -l <"$work/access.log")
    env -i PATH="$PATH" REGISTRY_TOKEN="$token" HOME="$work" KUBECONFIG="$work/kubeconfig" python3 - "$name" "$work/took" "$@" <<'END'
import os, subprocess, sys, time
start = time.monotonic()
with open(os.environ["HOME"] + "/out", "wb") as out:
    child = subprocess.Popen(sys.argv[3:], stdout=out, stderr=out)
    _, status, usage = os.wait4(child.pid, 0)
took = time.monotonic() - start
assert os.waitstatus_to_exitcode(status) == 0, open(os.environ["HOME"] + "/out").read()[-2000:]
with open(sys.argv[2], "w") as file:
    file.write(f"{took:.1f} s | {usage.ru_maxrss // 1024} MiB")
END
    # The log is written in the background.
    after=-1
    while [[ $after != $(wc -l <"$work/access.log") ]]; do
        after=$(wc -l <"$work/access.log")
        sleep 0.5
    done
    [[ -z $line ]] || point tags "$line" "$COUNT" "$(cut -d' ' -f1 "$work/took")"
    echo "| $name | $((after - before)) | $(<"$work/took") |"
}

api="http://$registry/api/v1/packages/admin"
# shellcheck disable=SC2016
curl_list='
page=1
while rows=$(curl -fs -H "Authorization: token $REGISTRY_TOKEN" "$1?type=container&limit=50&page=$page" | jq -r ".[] | .version") && [[ $rows ]]; do
    for tag in $rows; do
        curl -fs -u "admin:$REGISTRY_TOKEN" -H "Accept: application/vnd.oci.image.manifest.v1+json" "$2/v2/admin/app/manifests/$tag"
    done
    page=$((page + 1))
done'
# shellcheck disable=SC2016
curl_prune='
page=1
all=()
while rows=$(curl -fs -H "Authorization: token $REGISTRY_TOKEN" "$1?type=container&limit=50&page=$page" | jq -r ".[] | .version") && [[ $rows ]]; do
    mapfile -t -O ${#all[@]} all <<<"$rows"
    page=$((page + 1))
done
for tag in "${all[@]:$3}"; do
    curl -fs -X DELETE -H "Authorization: token $REGISTRY_TOKEN" "$1/container/app/$tag"
done'
flags=(--registry "$registry" -u admin --token-env REGISTRY_TOKEN)
# images check asks with the Secret's token, and reads the keychain too.
"${environment[@]}" "$program" keychain use vault --key-file "$work/vault.key" >/dev/null 2>&1

echo "$COUNT tags, Gitea $(basename "$gitea"), load $load, $(nproc) processors"
echo "| | requests | seconds | memory |"
echo "|---|---|---|---|"
row "images list" "images list" "$program" images list admin -o json "${flags[@]}"
row "curl: the list and every manifest" "curl, the same list" bash -c "$curl_list" _ "$api" "http://$registry"
row "images check, $GOING images" "" "$program" images check --registry "$registry" -n default
row "images prune, the plan" "images prune, the plan" "$program" images prune admin --keep 1 --dry-run=client "${flags[@]}"
row "images prune, $GOING set aside" "images prune, a tenth set aside" "$program" images prune admin --keep $((COUNT - GOING)) --yes "${flags[@]}"
row "images restore, $GOING" "" "$program" images restore admin/app "${flags[@]}"
sqlite3 -cmd ".timeout 10000" "$work/gitea.db" "UPDATE package_version SET created_unix = created_unix - 864000;"
row "images prune, $GOING deleted at once" "" "$program" images prune admin --keep $((COUNT - GOING)) --grace 0 --yes "${flags[@]}"
row "curl: the list, and $GOING deleted" "curl, a tenth deleted" bash -c "$curl_prune" _ "$api" "http://$registry" $((COUNT - 2 * GOING))
