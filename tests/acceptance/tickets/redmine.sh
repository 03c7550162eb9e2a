#!/usr/bin/env bash
# Delivers to a real Redmine: Debian's package with SQLite, on loopback, in a copy that is removed at the end.
# usage: redmine.sh PROGRAM
set -euo pipefail
program=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
server=
finish() {
    if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap finish EXIT

if [ ! -d /usr/share/redmine/app ] || ! command -v puma >/dev/null; then
    apt-get update -qq
    # Its configuration step may fail without a web server; the files are enough.
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redmine redmine-sqlite puma >/dev/null || true
fi

# An instance of its own: configuration, database and files in the work folder.
mkdir -p "$work/etc" "$work/files" "$work/log" "$work/tmp"
cat >"$work/etc/database.yml" <<END
production:
  adapter: sqlite3
  database: $work/redmine.sqlite3
END
head -c 64 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$work/etc/secret_key.txt"
cat >"$work/etc/configuration.yml" <<END
default:
  attachments_storage_path: $work/files
END
cp -r /usr/share/redmine "$work/app"
for link in config/database.yml config/secret_key.txt config/configuration.yml; do
    rm -f "$work/app/$link"
    ln -s "$work/etc/${link#config/}" "$work/app/$link"
done
rm -rf "$work/app/tmp" "$work/app/log" "$work/app/files"
ln -s "$work/tmp" "$work/app/tmp"; ln -s "$work/log" "$work/app/log"; ln -s "$work/files" "$work/app/files"
cd "$work/app"
export RAILS_ENV=production REDMINE_LANG=en SCHEMA=$work/schema.rb RAILS_LOG=$work/log/production.log
rake=(ruby bin/rake)
[ -f bin/rake ] || rake=(rake)
"${rake[@]}" db:migrate >"$work/migrate.log" 2>&1 || { tail -20 "$work/migrate.log"; exit 1; }
"${rake[@]}" redmine:load_default_data >>"$work/migrate.log" 2>&1 || { tail -20 "$work/migrate.log"; exit 1; }
cat >"$work/seed.rb" <<'END'
Setting.rest_api_enabled = '1'
Setting.attachment_max_size = '1024'
admin = User.find_by(login: 'admin')
admin.update!(must_change_passwd: false)
project = Project.create!(name: 'Cutover', identifier: 'cutover', trackers: Tracker.all)
3.times do |n|
  Issue.create!(project: project, tracker: Tracker.first, status: IssueStatus.first, author: admin,
                priority: IssuePriority.first, subject: "Wave #{n}")
end
puts "KEY #{admin.api_key}"
END
key=$(ruby bin/rails runner "$work/seed.rb" | sed -n 's/^KEY //p')
[ -n "$key" ] || { echo "Redmine could not be set up" >&2; exit 1; }
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
puma -e production -b "tcp://127.0.0.1:$port" config.ru >"$work/puma.log" 2>&1 &
server=$!
for _ in $(seq 120); do
    curl -sf -o /dev/null "http://127.0.0.1:$port/login" && break
    sleep 1
done
cd "$work"
PYTHONDONTWRITEBYTECODE=1 python3 "$here/redmine_check.py" "$program" "http://127.0.0.1:$port" "$key"
