"""A real Request Tracker 5 from Debian's packages, with a database, a configuration and a port of its own; nothing of the
machine's RT is read or written. It runs as nobody where the test runs as root."""
import json
import os
import pwd
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from collector import free_port

SETUP = "/usr/sbin/rt-setup-database-5"
SERVER = "/usr/share/request-tracker5/libexec/rt-server"
SCHEMA = "/usr/share/request-tracker5/etc/schema.SQLite"

CONFIGURATION = """
Set($rtname, 'example.test');
Set($Organization, 'example.test');
Set($DatabaseType, 'SQLite');
Set($DatabaseName, '{folder}/rt.db');
Set($WebDomain, '127.0.0.1');
Set($WebPort, {port});
Set($WebPath, '');
Set($Timezone, 'UTC');
Set($LogToSyslog, undef);
Set($LogToSTDERR, 'error');
Set($BcryptCost, 4);
$RT::VarPath = '{folder}/var';
$RT::MasonDataDir = '{folder}/mason';
$RT::MasonSessionDir = '{folder}/session';
1;
"""

# No mail is to be sent, so only what opens tickets on a reply is left of the scrips. Tokens: bcrypt takes its time.
DATA = """
@Users = (
  map({{ {{Name => $_, EmailAddress => "$_\\@support.test", Privileged => 1}} }} qw({staff} reader narrow)),
  map({{ {{Name => $_, EmailAddress => "$_\\@hospital.test", Privileged => 0}} }} qw({requesters})),
);
@Groups = ({{Name => 'desk', Members => {{Users => [qw({staff})]}}}}, {{Name => 'readers', Members => {{Users => [qw(reader narrow)]}}}},
  {{Name => 'commenters', Members => {{Users => ['reader']}}}});
@Queues = (map {{ {{Name => $_}} }} qw({queues}));
@CustomFields = map {{ {{Name => $_, Type => 'FreeformSingle', LookupType => 'RT::Queue-RT::Ticket', MaxValues => 1, Queue => 0}} }} qw({fields});
@ACL = (
  map({{ my $queue = $_; (
    map({{ {{Queue => $queue, GroupDomain => 'UserDefined', GroupId => 'desk', Right => $_}} }}
      qw(ShowTicket ShowTicketComments SeeQueue SeeCustomField ModifyCustomField OwnTicket TakeTicket ModifyTicket DeleteTicket
         CommentOnTicket ReplyToTicket CreateTicket)),
    map({{ {{Queue => $queue, GroupDomain => 'UserDefined', GroupId => 'readers', Right => $_}} }} qw(ShowTicket SeeQueue SeeCustomField)),
    {{Queue => $queue, GroupDomain => 'UserDefined', GroupId => 'commenters', Right => 'ShowTicketComments'}},
    map({{ {{Queue => $queue, GroupDomain => 'SystemInternal', GroupType => 'Everyone', Right => $_}} }}
      qw(CreateTicket ReplyToTicket ModifyCustomField SeeQueue SeeCustomField)),
  ) }} qw({shown})),
);
@Final = (sub {{
  my $scrips = RT::Scrips->new(RT->SystemUser);
  $scrips->UnLimit;
  while (my $scrip = $scrips->Next) {{ $scrip->SetDisabled(1) unless $scrip->Description =~ /Open Inactive/ }}
  for my $name (qw({staff} {requesters} reader narrow root)) {{
    my $user = RT::User->new(RT->SystemUser);
    $user->Load($name);
    my (undef, undef, $token) = RT::AuthToken->new(RT->SystemUser)->Create(Owner => $user->Id, Description => 'test');
    print "token $name $token\\n";
  }}
}});
1;
"""


def missing():
    """Why there is no RT to be had here, or None."""
    absent = [path for path in (SETUP, SERVER, SCHEMA) if not os.path.exists(path)]
    return f"Debian's request-tracker5, rt5-standalone and rt5-db-sqlite are not installed: no {absent[0]}" if absent else None


class RequestTracker:
    """Beside the people that a test names there are the users reader, who sees all of the queues, and narrow, who sees no
    comments. What lies in secret queues neither sees."""

    def __init__(self, staff, requesters, queues, fields, secret=()):
        # A path that everybody may go through, with nothing in it that others may read.
        self.folder = tempfile.mkdtemp(prefix="tendon-rt-", dir="/tmp")
        self.identity = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self.identity = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process, self.tokens = None, {}
        for name in ("var", "mason", "session"):
            os.mkdir(os.path.join(self.folder, name), 0o700)
        self.configuration = self.write("RT_SiteConfig.pm", CONFIGURATION.format(folder=self.folder, port=self.port))
        words = {"staff": staff, "requesters": requesters, "queues": [each for each in [*queues, *secret] if each != "General"],
                 "fields": fields, "shown": queues}
        self.data = self.write("data.pm", DATA.format(**{name: " ".join(each) for name, each in words.items()}))
        if self.identity:
            for path in [self.folder, *(os.path.join(self.folder, name) for name in os.listdir(self.folder))]:
                os.chown(path, self.identity["user"], self.identity["group"])

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def __enter__(self):
        try:
            self.run(SETUP, "--action", "init", "--skip-create")
            said = self.run(SETUP, "--action", "insert", "--skip-create", "--datafile", self.data)
            self.tokens = {line.split()[1]: line.split()[2] for line in said.splitlines() if line.startswith("token ")}
            assert "root" in self.tokens, said
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        self.kill()
        if not os.environ.get("TENDON_TEST_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self):
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": self.folder, "LC_ALL": "C.UTF-8", "RT_SITE_CONFIG": self.configuration,
                "RT_SITE_CONFIG_DIR": "/dev/null"}

    def run(self, *command):
        done = subprocess.run(command, cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False, timeout=120, **self.identity)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def start(self):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen([SERVER, "--server", "HTTP::Server::PSGI", "--host", "127.0.0.1", "--port", str(self.port)],
                                            cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True, **self.identity)
        end = time.monotonic() + 60
        while True:
            try:
                self.ask("root", "GET", "/rt")
                return self
            except (urllib.error.URLError, ConnectionError):
                assert self.process.poll() is None and time.monotonic() < end, self.log()
                time.sleep(0.1)

    def kill(self):
        """SIGKILL, to all that it started."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()[-4000:]

    def ask(self, user, method, path, body=None):
        """What RT's REST interface answers to one of its users."""
        request = urllib.request.Request(f"{self.url}/REST/2.0{path}", method=method, data=None if body is None else json.dumps(body).encode(),
                                         headers={"Authorization": f"token {self.tokens[user]}", "Content-Type": "application/json"})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            return json.loads(answer.read())

    def rows(self, statement):
        """What stands in the database itself."""
        with sqlite3.connect(f"file:{self.folder}/rt.db?mode=ro", uri=True) as database:
            return database.execute(statement).fetchall()


