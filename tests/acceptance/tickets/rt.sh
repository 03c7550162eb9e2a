#!/usr/bin/env bash
# Delivers to a real Request Tracker 5: Debian's package with SQLite, on loopback, in a folder that is removed at the
# end. usage: rt.sh PROGRAM
set -euo pipefail
program=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
rt=/usr/share/request-tracker5
work=$(mktemp -d)
server=
stop() {
    if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
    server=
}
finish() {
    stop
    rm -rf "$work"
}
trap finish EXIT

if [ ! -d "$rt" ] || ! command -v starman >/dev/null; then
    apt-get update -qq
    # Its configuration step may fail without a mail or web server; the files are enough.
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        request-tracker5 rt5-db-sqlite rt5-standalone starman >/dev/null || true
fi

# An instance of its own: configuration, database and caches are in the work folder.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir -p "$work/etc" "$work/mason" "$work/session" "$work/mail"
cat >"$work/RT_SiteConfig.pm" <<END
Set(\$rtname, 'example');
Set(\$Organization, 'example.org');
Set(\$Timezone, 'UTC');
Set(\$DatabaseType, 'SQLite');
Set(\$DatabaseName, '$work/rt.sqlite3');
Set(\$WebDomain, '127.0.0.1');
Set(\$WebPort, $port);
Set(\$WebPath, '');
Set(\$MailCommand, 'mbox');
Set(\$LogToSyslog, undef);
Set(\$LogToSTDERR, 'error');
\$RT::MasonDataDir = '$work/mason';
\$RT::MasonSessionDir = '$work/session';
# What the checks change between the starts of the server.
Set(\$MaxAttachmentSize, \$ENV{RT_MAX}) if \$ENV{RT_MAX};
Set(\$DropLongAttachments, \$ENV{RT_DROP});
Set(\$TruncateLongAttachments, \$ENV{RT_TRUNCATE});
1;
END
export RT_SITE_CONFIG=$work/RT_SiteConfig.pm RT_SITE_CONFIG_DIR=$work/etc TMPDIR=$work/mail
rt-setup-database-5 --action init --skip-create --dba root --dba-password '' </dev/null >"$work/setup.log" 2>&1 ||
    { tail -20 "$work/setup.log"; exit 1; }
cat >"$work/seed.pl" <<'END'
use strict; use warnings;
use lib '/usr/share/request-tracker5/lib';
use RT -init;
my $system = RT->SystemUser;
sub done { my ($ok, $message) = @_; die "$message\n" unless $ok; return $ok }
my $queue = RT::Queue->new($system);
done($queue->Load('General'));
my %rights = (
    writer => [qw(SeeQueue ShowTicket ShowTicketComments CommentOnTicket)],
    reader => [qw(SeeQueue ShowTicket ShowTicketComments)],
    guest => [],
);
for my $name (sort keys %rights) {
    my $user = RT::User->new($system);
    done($user->Create(Name => $name, EmailAddress => "$name\@example.org", Privileged => 1));
    done($user->PrincipalObj->GrantRight(Object => $queue, Right => $_)) for @{ $rights{$name} };
    my $token = RT::AuthToken->new($system);
    my ($ok, $message, $text) = $token->Create(Owner => $user->id, Description => 'check');
    die "$message\n" unless $ok;
    print "$name=$text\n";
}
for my $number (1 .. 8) {
    my $ticket = RT::Ticket->new($system);
    done($ticket->Create(Queue => 'General', Subject => "Wave $number", Requestor => 'requestor@example.org'));
}
END
perl "$work/seed.pl" >"$work/tokens" 2>"$work/seed.log" || { tail -20 "$work/seed.log"; exit 1; }

# Starts the server again with the settings that are given as variables.
start() {
    stop
    env "$@" starman --listen "127.0.0.1:$port" --workers 3 "$rt/libexec/rt-server" >"$work/rt.log" 2>&1 &
    server=$!
    for _ in $(seq 60); do
        # Without a token it answers 401.
        [ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/REST/2.0/rt")" = 401 ] && return
        sleep 1
    done
    tail -20 "$work/rt.log" >&2
    echo "Request Tracker did not start" >&2
    exit 1
}
check() { PYTHONDONTWRITEBYTECODE=1 python3 -u "$here/rt_check.py" "$program" "http://127.0.0.1:$port" "$work/tokens" "$1"; }

start RT_DROP=1 RT_MAX=20000
check drop
start RT_TRUNCATE=1 RT_MAX=20000
check truncate
start RT_DROP=0
check default
