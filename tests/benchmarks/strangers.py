"""Teachers of strangers, distilled: three classifiers of digits, two domains, four methods.

The wheel ccexam 1.0.0 (MIT) ships classifiers that others trained on MNIST, USPS and SVHN, as
files of tensors alone. Each is distilled into `convnet-student` for `photo` and `slanted` of
digits-mini, by AuG-KD and by what one would use instead, at five seeds: 120 trials. No source
is used.

    pip install --no-deps --target /tmp/ccexam ccexam==1.0.0
    python tests/benchmarks/strangers.py /tmp/ccexam /tmp/strangers [--minutes 9]

Stops itself after so many minutes; the same command goes on. When everything is done it prints
the table: means over the seeds with 95% t intervals, in per cent.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import dgsearch
from dgsearch.analysis.diagnostics import last_diagnostics
from dgsearch.analysis.statistics import mean_interval

METHODS = ("augkd", "dfq_plus", "kd", "finetune")
DOMAINS = ("photo", "slanted")
TEACHERS = {  # network, channels, image size, mean and deviation of its training images
    "mnist": ("MNISTNet", 1, 28, [0.1307], [0.3081]),
    "usps": ("USPSNet", 1, 16, [0.2471], [0.2994]),
    "svhn": ("SVHNNet", 3, 32, [0.4377, 0.4438, 0.4728], [0.1980, 0.2010, 0.1970]),
}
STUDY = """
name = "{name}"
question = "What does a stranger's teacher of {teacher} give a student of {domain}?"
method = "augkd"
baselines = ["dfq_plus", "kd", "finetune"]
seeds = [0, 1, 2, 3, 4]
[data]
benchmark = "digits-mini"
targets = ["{domain}"]
student_images = 100
[teacher]
file = "{file}"
network = "ccexam.models:{network}"
classes = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
mean = {mean}
deviation = {deviation}
image_size = {size}
channels = {channels}
[hyperparameters]
student_network = "convnet-student"
latent = 32
generator_width = 48
encoder_width = 32
generator_epochs = 6
generator_steps = 20
student_steps = 2
generated_batch = 64
encoder_lr = 1e-3
anchor_epochs = 20
anchor_lr = 1e-2
batch_size = 32
epochs = 10
[design]
kind = "grid"
vary.a = [0.6]
"""


def write_studies(wheel: Path, folder: Path) -> list[Path]:
    """One study file for each teacher and domain."""
    files = []
    for teacher, (network, channels, size, mean, deviation) in TEACHERS.items():
        for domain in DOMAINS:
            name = f"strangers-{teacher}-{domain}"
            text = STUDY.format(
                name=name,
                teacher=teacher,
                domain=domain,
                file=wheel / "ccexam" / "weights" / f"{teacher}.pth",
                network=network,
                mean=mean,
                deviation=deviation,
                size=size,
                channels=channels,
            )
            files.append(folder / f"{name}.toml")
            files[-1].write_text(text, encoding="utf-8")
    return files


def run(files: list[Path], wheel: Path, folder: Path, *, until: float) -> bool:
    """Run what is left of the studies; whether all of them are done."""
    path = os.pathsep.join([str(wheel), *(place for place in sys.path if place)])
    for file in files:
        command = [sys.executable, "-m", "dgsearch", "run", str(file)]
        environment = {**os.environ, "PYTHONPATH": path}
        process = subprocess.Popen(command, cwd=folder, env=environment)
        try:
            code = process.wait(timeout=max(1.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            process.wait()
            return False
        if code:
            sys.exit(code)
    return True


def table(folder: Path) -> list[str]:
    """One line a teacher, domain and method, and the teacher alone."""
    lines = ["| teacher | student domain | method | n | accuracy, % | 95% interval |"]
    lines.append("| --- | --- | --- | ---: | ---: | --- |")
    for teacher in TEACHERS:
        for domain in DOMAINS:
            study = f"strangers-{teacher}-{domain}"
            trials = dgsearch.read_trials(folder / "dgsearch.db", study=study)
            done = trials[trials["state"] == "COMPLETE"]
            last = last_diagnostics(dgsearch.read_scores(folder / "dgsearch.db", study=study))
            alone = last["teacher_accuracy_student_domain"]
            by_seed = alone.groupby(done.set_index("trial_number")["seed"]).mean()
            found = {"teacher alone (validation images)": by_seed}
            for method in METHODS:
                found[method] = done.loc[done["method"] == method, f"accuracy/{domain}"]
            for method, numbers in found.items():
                mean = mean_interval((100 * numbers).tolist())
                shown = f"{mean.n} | {mean.mean:.1f} | {mean.low:.1f} to {mean.high:.1f}"
                lines.append(f"| {teacher} | {domain} | {method} | {shown} |")
    return lines


def main() -> None:
    """Run, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path, help="folder into which the wheel was installed")
    parser.add_argument("folder", type=Path, help="where the studies run")
    parser.add_argument("--minutes", type=float, default=600.0, help="stop after so long")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    files = write_studies(chosen.wheel.resolve(), chosen.folder)
    until = time.monotonic() + 60 * chosen.minutes
    if run(files, chosen.wheel.resolve(), chosen.folder, until=until):
        print("\n".join(table(chosen.folder)))
    else:
        sys.exit(3)  # not done yet: the same command goes on


if __name__ == "__main__":
    main()
