#!/usr/bin/env bash
# Ray 2.60.0, Linux: of a driver that is killed with SIGKILL, most processes end within seconds (GCS
# server, raylet, monitor, workers), but two stay for about a minute: the dashboard's agent and the
# agent of runtime environments. Somebody who looks for leftovers after a crash must wait that long
# before calling them orphans. Seen: "after 10 s: 2 agents, 0 others", "after 90 s: 0 agents, 0 others".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'ray[default]==2.60.0' 'psutil==7.2.2'
cat > "$folder/driver.py" <<'PY'
import sys, time
import ray
ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, _temp_dir=sys.argv[1])
ray.get(ray.remote(lambda: 1).remote())
print("ready", flush=True)
time.sleep(600)
PY
cat > "$folder/look.py" <<'PY'
import subprocess, sys, time
import psutil

driver = subprocess.Popen([sys.executable, *sys.argv[1:]], stdout=subprocess.PIPE, text=True)
assert driver.stdout.readline().strip() == "ready"
time.sleep(5)  # the agents start late
family = psutil.Process(driver.pid).children(recursive=True)
names = {process: process.name() for process in family}

def found():
    alive = [
        name
        for process, name in names.items()
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    ]
    agents = [name for name in alive if "Agent" in name]
    return len(agents), len(alive) - len(agents)

driver.kill()
driver.wait()
killed = time.monotonic()
for after in (10, 90):
    time.sleep(max(0.0, killed + after - time.monotonic()))
    agents, others = found()
    print(f"after {after} s: {agents} agents, {others} others")
PY
seen=$("$folder/venv/bin/python" "$folder/look.py" "$folder/driver.py" "/tmp/ray-find-$$")
rm -rf "/tmp/ray-find-$$"
echo "$seen"
[[ "$seen" == $'after 10 s: 2 agents, 0 others\nafter 90 s: 0 agents, 0 others' ]]
