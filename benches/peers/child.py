"""A process that answers the line protocol of README.md, pinned to the first cores, and what the system knows about it."""

import os
import subprocess


class Child:
    def __init__(self, name, command, threads, bucketed=False):
        cores = sorted(os.sched_getaffinity(0))[:threads]
        environment = os.environ | {
            "OMP_NUM_THREADS": str(threads),
            "MKL_NUM_THREADS": str(threads),
            # Unpinned, the two threads of a process often share a core.
            "GOMP_CPU_AFFINITY": " ".join(map(str, cores)),
        }
        # Settings for other programs' linear algebra would slow or change PyTorch's.
        for stale in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
            environment.pop(stale, None)
        self.name, self.bucketed = name, bucketed
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )

    def ask(self, *words):
        """The words after `ok` of the answer."""
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if answer[:1] != ["ok"]:
            raise SystemExit(f"{self.name}: `{words[0]}` was answered by {' '.join(answer) or 'the end of the process'}")
        return answer[1:]

    def times(self, verb, n):
        """Milliseconds of n steps in turn."""
        return [float(t) for t in self.ask(verb, n)]

    def peak_megabytes(self, field="VmHWM"):
        """Of resident memory; `VmPeak` is of virtual memory."""
        with open(f"/proc/{self.process.pid}/status") as status:
            line = next(l for l in status if l.startswith(field))
        return int(line.split()[1]) / 1024

    def forget_peak(self):
        """From now on the peak is of what comes: not of imports, nor of the comparison of gradients."""
        with open(f"/proc/{self.process.pid}/clear_refs", "w") as file:
            file.write("5")

    def cpu_seconds(self):
        """Of the process so far, all threads; the second field may hold blanks, so counting begins behind it."""
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)


def machine_cpu_seconds():
    """CPU time that all processes together have used since the machine started."""
    with open("/proc/stat") as stat:
        user, nice, system, _, _, irq, softirq, steal = map(int, stat.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
