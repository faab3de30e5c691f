#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Hosts made of namespaces on this machine, with a network between them and, if wanted, Slurm.

    cluster.py [--hosts N] [--no-slurm] COMMAND [ARGUMENT ...]

brings a cluster up (default: 2 hosts), runs the command on its host `ctl`, and takes it down again;
`cluster.py bash` is for trying things. Hosts are n1, n2, ...; needs root, iproute2, util-linux and,
for Slurm, slurmctld, slurmd and munge. No process, network or mount outlives this process, even if it
is killed (a folder of log files in the temporary folder does): they belong to processes which the
kernel ends with it. Nothing has a fixed place or name outside, so any number of clusters can be up
at the same time.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
NAMESPACES = ("--net", "--uts", "--ipc", "--mount", "--pid")
# The kernel ends the child when this process ends, even by SIGKILL.
WITH_US = ("setpriv", "--pdeathsig", "KILL")
# Of this machine, not of the hosts.
NOT_FOR_HOSTS = ("TMPDIR", "OMPI_MCA_btl_vader_backing_directory", "OMPI_MCA_orte_tmpdir_base")

SLURM_CONF = """\
ClusterName=test
SlurmctldHost=ctl({ctl})
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# A requeued job waits until credentials have expired: 120 s by default.
AuthInfo=socket={folder}/munge/socket,cred_expire=5
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=2,batch_sched_delay=0
SlurmctldParameters=preempt_send_user_signal
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
SlurmdTimeout=10
InactiveLimit=0
KillWait=10
MessageTimeout=10
TCPTimeout=2
MailProg=/bin/true
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n/spool
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
SlurmctldDebug=info
SlurmdDebug=info
SlurmdParameters=config_overrides
NodeName=n[1-{n_hosts}] CPUs=4 RealMemory=4000 State=UNKNOWN
PartitionName=low Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=REQUEUE GraceTime=20
PartitionName=high Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
"""


def missing(slurm=False):
    """Why there can be no cluster here, in a few words, or None."""
    if os.geteuid() != 0:
        return "needs root"
    programs = ["ip", "unshare", "nsenter", "setpriv"]
    programs += ["slurmctld", "slurmd", "munged", "sbatch"] if slurm else []
    for program in programs:
        if not shutil.which(program, path=path_of_daemons()):
            return f"needs {program}, which is not installed"
    trial = subprocess.run(
        ["unshare", *NAMESPACES, "--fork", "sh", "-c",
         "mount -t tmpfs tmpfs /run && ip link add br0 type bridge"],
        capture_output=True, text=True, check=False)
    if trial.returncode != 0:
        return f"needs namespaces and bridges, which this kernel or container refuses: " \
               f"{trial.stderr.strip()}"
    return None


def skip_unless_possible(slurm=False):
    """Ends a test, as skipped (77), where there can be no cluster."""
    reason = missing(slurm)
    if reason:
        print(f"SKIPPED: a cluster of namespaces {reason}")
        sys.exit(77)


def path_of_daemons():
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def enter(pid):
    """The words before a command that is to run on the host with this first process.

    The shell waits for it in the place of nsenter, which would stop, and stay so, when somebody
    stops and continues all processes of the machine.
    """
    return ["nsenter", "-t", str(pid), *NAMESPACES, "--no-fork", "--", "sh", "-c",
            '"$@"; exit $?', "sh"]


class Host:
    """One host: its first process and its end of the network."""

    def __init__(self, name, address):
        self.name, self.address = name, address
        self.unshare = None  # the process outside whose end is the end of the host
        self.pid = None      # of the host's first process, seen from outside


class Cluster:
    """Hosts ctl, n1, n2, ...; use it in a with statement.

    Paths are the same everywhere, as on a shared file system, but those below /tmp are private to
    each host except `folder` (where the cluster keeps its files), `shared` and the project.
    With `data_network` hosts have a second interface, eth1 in 10.98.0.0/24.
    """

    def __init__(self, n_hosts, shared=(), data_network=False):
        self.names = ["ctl"] + [f"n{i}" for i in range(1, n_hosts + 1)]
        self.hosts = {name: Host(name, f"10.99.0.{i or 100}") for i, name in enumerate(self.names)}
        self.interfaces = ("eth0", "eth1") if data_network else ("eth0",)
        self.shared = [str(PROJECT), *map(str, shared)]
        self.folder = None
        self.switch = None
        self.processes = []

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="coterie-cluster-"))
        try:
            self.up()
        except BaseException:
            self.down()
            raise
        return self

    def __exit__(self, *exception):
        self.down()

    def up(self):
        self.folder.chmod(0o711)  # munge insists
        lines = ["127.0.0.1 localhost"]
        lines += [f"{host.address} {host.name}" for host in self.hosts.values()]
        (self.folder / "hosts").write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.switch = subprocess.Popen([*WITH_US, "unshare", "--net", "sh", "-c",
                                        "echo ready; exec sleep infinity"],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.switch.stdout.readline()
        for interface in self.interfaces:
            self.on_switch("link", "add", f"br-{interface}", "type", "bridge")
            self.on_switch("link", "set", f"br-{interface}", "up")
        for name in self.names:
            self.boot(name)

    def down(self):
        for host in self.hosts.values():
            self._end(host)
        if self.switch:
            self.switch.kill()
            self.switch.wait()
            self.switch.stdout.close()
        for process in self.processes:
            process.kill()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def new_folder(self):
        """An empty folder that all hosts see; it goes with the cluster."""
        return pathlib.Path(tempfile.mkdtemp(dir=self.folder))

    def on_switch(self, *arguments):
        subprocess.run(["nsenter", "-t", str(self.switch.pid), "--net", "ip", *arguments],
                       check=True)

    def boot(self, name):
        """Starts a host that is off."""
        host = self.hosts[name]
        own = self.folder / name
        own.mkdir(exist_ok=True)
        host.unshare = subprocess.Popen(
            [*WITH_US, "unshare", *NAMESPACES, "--fork", "--kill-child", HERE / "host",
             self.folder, name, self.folder, *self.shared],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        if host.unshare.stdout.readline() != "ready\n":
            raise RuntimeError(f"host {name} does not start")
        children = f"/proc/{host.unshare.pid}/task/{host.unshare.pid}/children"
        host.pid = int(pathlib.Path(children).read_text(encoding="ascii").split()[0])
        (own / "pid").write_text(str(host.pid), encoding="ascii")
        for number, interface in zip((99, 98), self.interfaces):
            plug = f"{name}-{interface}"
            self.on_switch("link", "add", plug, "type", "veth", "peer", "name", interface,
                           "netns", str(host.pid))
            self.on_switch("link", "set", plug, "master", f"br-{interface}", "up")
            address = host.address.replace(".99.", f".{number}.")
            self.ip(name, "addr", "add", f"{address}/24", "dev", interface)
            self.ip(name, "link", "set", interface, "up")
        self.ip(name, "link", "set", "lo", "up")

    def ip(self, name, *arguments):
        subprocess.run(["nsenter", "-t", str(self.hosts[name].pid), "--net", "ip", *arguments],
                       check=True)

    def _end(self, host):
        (self.folder / host.name / "pid").unlink(missing_ok=True)
        if host.unshare:
            host.unshare.kill()
            host.unshare.wait()
            host.unshare.stdout.close()
        host.unshare = host.pid = None

    def link(self, name, state, interface="eth0"):
        """The network cable of a host: state "down" or "up"."""
        self.on_switch("link", "set", f"{name}-{interface}", state)

    def power_off(self, name):
        """All processes of the host are gone at once, and no word of it reaches the others."""
        if self.hosts[name].pid is None:
            return
        for interface in self.interfaces:
            self.link(name, "down", interface)
        self._end(self.hosts[name])
        for interface in self.interfaces:
            # It vanishes by itself together with the namespace at its other end, a little later.
            subprocess.run(["nsenter", "-t", str(self.switch.pid), "--net", "ip", "link", "del",
                            f"{name}-{interface}"], stderr=subprocess.DEVNULL, check=False)

    def environment(self, env=None):
        environment = {key: value for key, value in os.environ.items() if key not in NOT_FOR_HOSTS}
        environment["PATH"] = path_of_daemons()
        environment["CLUSTER_FOLDER"] = str(self.folder)
        environment.update({key: str(value) for key, value in (env or {}).items()})
        return environment

    def start(self, name, *command, env=None, cwd=None, **how):
        """Starts a command on a host; its Popen. It ends with the host."""
        inside = [*enter(self.hosts[name].pid), "env", "-C", str(cwd or PROJECT),
                  f"HOSTNAME={name}"]
        return self._start([*inside, *map(str, command)], env, **how)

    def start_mpirun(self, hosts, per_host, *command, env=None, cwd=None):
        """Starts mpirun on ctl, without Slurm, with so many ranks on each host; its Popen."""
        # The agent must see the processes of this machine: only the network and the name are ctl's.
        where = ",".join(f"{name}:{per_host}" for name in hosts)
        launch = [*WITH_US, "nsenter", "-t", str(self.hosts["ctl"].pid), "--net", "--uts", "--",
                  "mpirun", "--host", where, "-n", str(per_host * len(hosts)), "--mca", "plm",
                  "rsh", "--mca", "plm_rsh_agent", str(HERE / "rsh"), "--wdir",
                  str(cwd or PROJECT)]
        for variable in (name for name in env or {} if not name.startswith("OMPI_")):
            launch += ["-x", variable]
        return self._start([*launch, *map(str, command)], env, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE)

    def _start(self, command, env, **how):
        process = subprocess.Popen(command, env=self.environment(env), text=True, errors="replace",
                                   start_new_session=True,
                                   **{"stdin": subprocess.DEVNULL, **how})
        self.processes.append(process)
        return process

    def run(self, name, *command, timeout=30, **how):
        """Runs a command on a host that must end with 0; what it has written."""
        process = self.start(name, *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how)
        stdout, stderr = process.communicate(timeout=timeout)
        if process.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, command))} on {name} ended with "
                               f"{process.returncode}: {stdout}{stderr}")
        return stdout


class SlurmCluster(Cluster):
    """A cluster with Slurm: the partition `low` (the default), and `high`, which preempts it.

    A host has four processors in the eyes of Slurm. The log files of the daemons are in `folder`.
    """

    def up(self):
        super().up()
        for part in ("munge", "state"):
            (self.folder / part).mkdir()
        key = self.folder / "munge" / "key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        (self.folder / "slurm.conf").write_text(
            SLURM_CONF.format(folder=self.folder, n_hosts=len(self.names) - 1,
                              ctl=self.hosts["ctl"].address), encoding="utf-8")
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n",
                                                 encoding="utf-8")
        munge = self.folder / "munge"
        self.daemon("ctl", "munged", "--foreground", "--force", f"--key-file={key}",
                    f"--socket={munge}/socket", f"--pid-file={munge}/pid", "--syslog",
                    f"--seed-file={munge}/seed")
        self.wait_until(lambda: (munge / "socket").exists(), "munged")
        self.daemon("ctl", "slurmctld", "-D")
        for name in self.names[1:]:
            self.start_slurmd(name)
        self.wait_until(lambda: all(state == "idle" for state in self.node_states().values()),
                        "the nodes")

    def environment(self, env=None):
        environment = super().environment(env)
        environment["SLURM_CONF"] = str(self.folder / "slurm.conf")
        return environment

    def daemon(self, name, program, *arguments):
        with open(self.folder / f"{program}-{name}.log", "ab") as log:
            return self.start(name, program, *arguments, stdout=log, stderr=log)

    def start_slurmd(self, name):
        (self.folder / name / "spool").mkdir(exist_ok=True)
        self.daemon(name, "slurmd", "-D", "-N", name)

    def kill_slurmd(self, name):
        """Only the daemon; what it has started runs on."""
        self.run(name, "sh", "-c", "kill -KILL $(cat /run/slurmd.pid)")

    def wait_until(self, condition, what, timeout=30):
        end = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > end:
                logs = "".join(f"\n{path.name}: {path.read_text(errors='replace')[-2000:]}"
                               for path in self.folder.glob("*.log"))
                raise RuntimeError(f"waited {timeout} s for {what}{logs}")
            time.sleep(0.05)

    def node_states(self):
        process = self.start("ctl", "sinfo", "-h", "-p", "low", "-N", "-o", "%N %T",
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        lines = process.communicate()[0].splitlines()
        return dict(line.split() for line in lines) or {"none": "unknown"}

    def submit(self, *arguments, env=None, cwd=None):
        """sbatch; the number of the job."""
        return self.run("ctl", "sbatch", "--parsable", *arguments, env=env, cwd=cwd).strip()

    def job(self, number):
        """What Slurm says of a job: {"JobState": "RUNNING", "Restarts": "0", ...}."""
        words = self.run("ctl", "scontrol", "-o", "show", "job", number).split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def wait_for_state(self, number, *states, timeout=60):
        found = {}

        def reached():
            found.update(self.job(number))
            return found["JobState"] in states
        try:
            self.wait_until(reached, f"job {number} to be {' or '.join(states)}", timeout)
        except RuntimeError as error:
            raise RuntimeError(f"{error}\n{found}") from None
        return found

    def wait_for_end(self, number, timeout=60):
        """Waits for the end of a job that may be requeued on the way; what Slurm says of it."""
        return self.wait_for_state(number, "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT",
                                   "NODE_FAIL", "BOOT_FAIL", "DEADLINE", "OUT_OF_MEMORY",
                                   timeout=timeout)


def main(arguments):
    n_hosts, kind = 2, SlurmCluster
    while arguments and arguments[0].startswith("--"):
        if arguments[0] == "--no-slurm":
            kind = Cluster
        elif arguments[0] == "--hosts" and len(arguments) > 1:
            arguments = arguments[1:]
            n_hosts = int(arguments[0])
        else:
            arguments = []
            break
        arguments = arguments[1:]
    if not arguments:
        print(__doc__, end="")
        return 2
    reason = missing(slurm=kind is SlurmCluster)
    if reason:
        print(f"cluster.py: {reason}", file=sys.stderr)
        return 2
    with kind(n_hosts, shared=[os.getcwd()]) as cluster:
        # Open MPI must be told to accept root, and more ranks than processors.
        env = {"OMPI_ALLOW_RUN_AS_ROOT": 1, "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": 1,
               "OMPI_MCA_mpi_yield_when_idle": 1, "OMPI_MCA_hwloc_base_binding_policy": "none"}
        return cluster.start("ctl", *arguments, env=env, cwd=os.getcwd(), stdin=None).wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
