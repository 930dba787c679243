"""Programs that do the same thing, run turn by turn: what the scripts of this folder measure helpers with."""
import os, statistics, subprocess, sys, tempfile, time

ROUNDS = int(os.environ["ROUNDS"])


def keep(*words):
    """Adds a line to the file that RESULTS names, for all.sh: what results.sh does."""
    if os.environ.get("RESULTS"):
        with open(os.environ["RESULTS"], "a") as file:
            file.write("\t".join(map(str, words)) + "\n")


def run(command, stdin, environment=os.environ):
    """Wall time in ms of one run, from a file to /dev/null."""
    with tempfile.TemporaryFile() as file, open(os.devnull, "wb") as null:
        file.write(stdin)
        file.seek(0)
        files = [(os.POSIX_SPAWN_DUP2, file.fileno(), 0), (os.POSIX_SPAWN_DUP2, null.fileno(), 1)]
        begin = time.perf_counter()
        child = os.posix_spawn(command[0], command, environment, file_actions=files)
        _, status = os.waitpid(child, 0)
        taken = time.perf_counter() - begin
    if status != 0:
        sys.exit(f"{' '.join(command)} failed: {status}")
    return taken * 1000


def peak(command, stdin, environment=os.environ):
    """Peak memory in KiB, through a parent that is smaller than the program: the kernel counts what was before exec."""
    command = ["/usr/bin/time", "-f", "%M", *command]
    done = subprocess.run(command, input=stdin, capture_output=True, check=True, env=environment)
    return int(done.stderr.split()[-1])


class Table:
    """A row for each program of each case, beside those that it is compared with.

    peers: the programs that the others' time and memory are divided by, one column of ratios each.
    judged: the program that the bars are for.
    memory: what of each peer's memory it may take.
    environments: of those programs that do not get this process's.
    """

    def __init__(self, peers, judged, memory, environments={}):
        self.peers, self.judged, self.memory, self.environments = peers, judged, memory, environments
        self.missed = []
        print(f"{ROUNDS} rounds, load {os.getloadavg()[0]:.1f} at the start, {os.cpu_count()} CPUs")
        if len(peers) > 1:
            print(f"ratios: to {', to '.join(peers)}")
        ratios = f"{'ratio':>8}{'bar':>6}" * len(peers)
        print(f"{'action':<10}{'entries':>8}  {'program':<16}{'ms':>8}{'min ms':>8}{ratios}{'KiB':>8}{ratios}")

    def case(self, name, entries, commands, stdin, bars={}, before=lambda: None):
        """Runs each of `commands` in every round, after `before`. `bars` says what of each peer's time may be taken."""
        environments = {program: self.environments.get(program, os.environ) for program in commands}
        taken = {program: [] for program in commands}
        for turn in range(-1, ROUNDS):
            order = list(commands)
            # Each is first, second, last ... as often as the others.
            shift = turn % len(order)
            for program in order[shift:] + order[:shift]:
                before()
                time_taken = run(commands[program], stdin, environments[program])
                if turn >= 0:
                    taken[program].append(time_taken)
        memory = {program: statistics.median(peak(command, stdin, environments[program]) for _ in range(5))
                  for program, command in commands.items()}
        for program in commands:
            judged = program == self.judged
            if name in ("get", "list") and (judged or program in self.peers):
                keep("point", "entries", f"{name}: {program}", entries, f"{statistics.median(taken[program]):.3f}")
            times, memories = "", ""
            for peer in self.peers:
                ratio = statistics.median(mine / theirs for mine, theirs in zip(taken[program], taken[peer]))
                times += self._ratio(f"{name} with {entries} entries", peer, ratio, judged and bars.get(peer), 3)
                ratio = memory[program] / memory[peer]
                memories += self._ratio(f"memory of {name} with {entries} entries", peer, ratio,
                                        judged and self.memory.get(peer), 2)
            print(f"{name:<10}{entries:>8}  {program:<16}{statistics.median(taken[program]):>8.2f}{min(taken[program]):>8.2f}"
                  f"{times}{memory[program]:>8.0f}{memories}", flush=True)

    def _ratio(self, what, peer, ratio, bar, digits):
        """Two columns."""
        if bar:
            keep("bar", f"{self.judged} {what}, to {peer}", f"{ratio:.3f}", bar)
        if bar and ratio > bar:
            of = f" of {peer}" if len(self.peers) > 1 else ""
            self.missed.append(f"{what}: {ratio:.{digits}f} > {bar}{of}")
        return f"{ratio:>8.{digits}f}{bar or '':>6}"

    def end(self):
        """The exit code."""
        print(f"load {os.getloadavg()[0]:.1f} at the end")
        for line in self.missed:
            print(f"missed: {line}", file=sys.stderr)
        return bool(self.missed)
