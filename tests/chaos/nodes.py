"""A Ray cluster of several nodes on this machine, told by its standard input what to do.

`nodes.py NODES` prints its address; at "kill" it kills one of the nodes that have a core each. It
lives until it is killed with all that it started. What no study needs is left out: the log
monitor, the autoscaler and the dashboard; Ray's own agents are on every node.
"""

from __future__ import annotations

import sys

from ray.cluster_utils import Cluster


def main() -> None:
    """Serve for ever."""
    head = {
        "num_cpus": 0,
        "include_dashboard": False,
        "include_log_monitor": False,
        "no_monitor": True,
    }
    cluster = Cluster(initialize_head=True, head_node_args=head)
    nodes = [cluster.add_node(num_cpus=1) for _ in range(int(sys.argv[1]))]
    sys.stdout.write(f"{cluster.address}\n")
    sys.stdout.flush()
    for line in sys.stdin:
        if line.strip() == "kill":
            cluster.remove_node(nodes.pop(), allow_graceful=False)


if __name__ == "__main__":
    main()
