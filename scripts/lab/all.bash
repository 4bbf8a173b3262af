# Everything of the lab. Source it from the top of the tree.
# shellcheck shell=bash
# shellcheck source=scripts/lab/topology.bash
. scripts/lab/topology.bash
# shellcheck source=scripts/lab/processes.bash
. scripts/lab/processes.bash
# shellcheck source=scripts/lab/servers.bash
. scripts/lab/servers.bash
# shellcheck source=scripts/lab/gateway.bash
. scripts/lab/gateway.bash
# shellcheck source=scripts/lab/probes.bash
. scripts/lab/probes.bash

# Ends and removes everything of this prefix, also what a killed run left.
lab_down() {
  lab_gateway_down
  lab_stop_all
  lab_net_down
  rm -rf "$lab_dir"
}
