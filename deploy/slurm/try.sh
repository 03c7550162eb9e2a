#!/usr/bin/env bash
# Runs array.sbatch and merge.sbatch on a Slurm of one node that is started for it, against the embedded
# service, and compares their report with a single run's:
#
#   deploy/slurm/try.sh [PROGRAM]
#
# Needs root and Debian's slurm-wlm and munge. Nothing is left running, and nothing outside a folder of its own
# is touched.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath -e "${1:-$here/../../target/debug/cutover-report}")
samples=$here/../../samples
shards=3
work=$(mktemp -d)
started=()
finish() {
    kill "${started[@]}" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

until_it_does() { # SECONDS COMMAND…
    local deadline=$((SECONDS + $1))
    until "${@:2}" >/dev/null 2>&1; do
        if ((SECONDS > deadline)); then
            echo "not within $1 s: ${*:2}" >&2
            tail -n 20 "$work"/*.log >&2
            return 1
        fi
        sleep 1
    done
}

chmod 755 "$work"
mkdir -m 700 "$work/munge" "$work/state" "$work/spool"
dd if=/dev/urandom of="$work/munge/key" bs=128 count=1 status=none
chmod 400 "$work/munge/key"
munged --foreground --force --key-file="$work/munge/key" --socket="$work/munge/socket" --pid-file="$work/munge/pid" \
    --log-file="$work/munged.log" --seed-file="$work/munge/seed" 2>"$work/munged.err.log" &
started+=($!)

host=$(hostname -s)
cat >"$work/slurm.conf" <<CONF
ClusterName=try
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=2048 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES OverSubscribe=FORCE:4 State=UP
CONF
export SLURM_CONF=$work/slurm.conf
until_it_does 20 test -S "$work/munge/socket"
slurmctld -D -L "$work/slurmctld.log" 2>/dev/null &
started+=($!)
slurmd -D -N "$host" -L "$work/slurmd.log" 2>/dev/null &
started+=($!)
node_is_idle() { sinfo --noheader --format=%T | grep -qx idle; }
until_it_does 60 node_is_idle

"$program" serve >"$work/serve.out" 2>"$work/serve.log" &
started+=($!)
until_it_does 20 grep -q listening "$work/serve.out"
endpoint=$(sed -n 's/^listening on //p' "$work/serve.out")
mkdir "$work/bin"
ln -s "$program" "$work/bin/cutover-report"
export PATH=$work/bin:$PATH
export CUTOVER_CONFIG=$work/config.toml
printf '[profile.%s]\nendpoint = "%s"\nauth = "none"\n' shards "$endpoint" merge "$endpoint" >"$CUTOVER_CONFIG"

"$here/submit.sh" "$samples/tasks.csv" "$work/out" "$shards" --mem=100M
no_job() { [[ -z $(squeue --noheader) ]]; }
until_it_does 300 no_job
scontrol --oneliner show job | sed -n 's/.*JobName=\([^ ]*\).*JobState=\([^ ]*\).*ExitCode=\([^ ]*\).*/\1 \2 \3/p'

cutover-report --quiet export "$samples/tasks.csv" --config "$CUTOVER_CONFIG" --profile shards -o "$work/single.json"
python3 - "$work/single.json" "$work/out/report.json" <<'PYTHON'
import json
import sys

OF_A_RUN = ("age_seconds", "attempts", "fetched_at", "request_id")
single, merged = (
    sorted(({key: of for key, of in task.items() if key not in OF_A_RUN} for task in json.load(open(path))["tasks"]),
           key=lambda task: task["task_id"])
    for path in sys.argv[1:])
if single != merged:
    sys.exit(f"the merged report is not that of a single run:\n{merged}\n{single}")
print(f"the merged report equals a single run's: {len(merged)} tasks")
PYTHON
