#!/usr/bin/env bash
# Spreads a task list over a Slurm array, with a merge after it:
#
#   deploy/slurm/submit.sh TASKS FOLDER [SHARDS [OPTIONS OF SBATCH]]
#
# TASKS and FOLDER must be on a file system that all nodes share. The settings are those of the profiles
# `shards` and `merge` in $CUTOVER_CONFIG (default ~/.config/cutover-report.toml), and the access key that
# in ~/.huaweicloud/credentials: Slurm's job records would keep one from the environment.
# The same call again resumes from the journals in FOLDER: it fetches what is missing there.
set -euo pipefail
if (($# < 2)); then
    sed -n '4s/^# *//p' "$0" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
export CUTOVER_TASKS CUTOVER_FOLDER CUTOVER_SHARDS CUTOVER_CONFIG
CUTOVER_TASKS=$(realpath -e "$1")
mkdir -p "$2"
CUTOVER_FOLDER=$(realpath "$2")
CUTOVER_SHARDS=${3:-4}
CUTOVER_CONFIG=$(realpath -e "${CUTOVER_CONFIG:-$HOME/.config/cutover-report.toml}")

array=$(sbatch --parsable --chdir="$CUTOVER_FOLDER" --array="1-$CUTOVER_SHARDS" "${@:4}" "$here/array.sbatch")
# afterany: a report that names a missing shard is worth more than none.
merge=$(sbatch --parsable --chdir="$CUTOVER_FOLDER" --dependency="afterany:$array" "${@:4}" "$here/merge.sbatch")
echo "shards are job $array, their merge is job $merge; the report will be $CUTOVER_FOLDER/report.xlsx"
