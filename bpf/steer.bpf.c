/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* In front of every xdp: port. What a live worker can take goes to its socket; everything else goes straight to the
 * other port of the pair in the kernel, so that no death of the data plane cuts the wire (or is dropped, where the
 * operator decided so). */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "maps.h"

/* What libxdp, and through it DPDK's net_af_xdp, looks for to adopt this program instead of attaching its own: the
 * function's name, the name `xsks_map`, and this version. */
#define XSK_PROG_VERSION 1
__uint(xsk_prog_version, XSK_PROG_VERSION) SEC("xdp_metadata");

static __always_inline void count(__u32 counter, __u64 bytes) {
  struct sluice_wire_count* slot = bpf_map_lookup_elem(&counters, &counter);

  if (slot) {
    slot->pkts++;
    slot->bytes += bytes;
  }
}

/* 0 = no worker ever polled. The worker may read its clock just after we read ours, so a heartbeat slightly in the
 * future is fresh; one far off in either direction is not. */
static __always_inline int is_fresh(__u32 queue, __u64 max_age_ns) {
  const volatile __u64* beat = bpf_map_lookup_elem(&heartbeat, &queue);
  __u64 then, now;

  if (!beat) return 0;
  then = *beat;
  now = bpf_ktime_get_ns();
  return then && (now > then ? now - then : then - now) <= max_age_ns;
}

static __always_inline int fall_back(__u32 why, __u32 fallback, __u64 bytes) {
  int verdict;

  count(why, bytes);
  if (fallback == SLUICE_FALLBACK_DROP) {
    count(SLUICE_WIRE_DROPPED, bytes);
    return XDP_DROP;
  }
  verdict = bpf_redirect_map(&peer, 0, XDP_DROP);
  if (verdict != XDP_REDIRECT) count(SLUICE_WIRE_NO_PEER, bytes);
  return verdict;
}

SEC("xdp")
int xsk_def_prog(struct xdp_md* ctx) {
  /* Read once, at entry: the verifier refuses fields of a context whose pointer was changed. */
  const __u32 queue = ctx->rx_queue_index;
  const __u64 bytes = ctx->data_end - ctx->data;
  const __u32 first = 0;
  const struct sluice_wire_config* cfg = bpf_map_lookup_elem(&config, &first);

  if (!cfg) /* cannot happen: entry 0 of an array; the verifier wants to see it */
    return fall_back(SLUICE_WIRE_NO_SOCKET, SLUICE_FALLBACK_FORWARD, bytes);
  if (cfg->bypass) return fall_back(SLUICE_WIRE_BYPASS, SLUICE_FALLBACK_FORWARD, bytes);
  if (!bpf_map_lookup_elem(&xsks_map, &queue)) return fall_back(SLUICE_WIRE_NO_SOCKET, cfg->fallback, bytes);
  if (!is_fresh(queue, cfg->heartbeat_max_age_ns)) return fall_back(SLUICE_WIRE_STALE, cfg->fallback, bytes);
  if (bpf_redirect_map(&xsks_map, queue, XDP_ABORTED) != XDP_REDIRECT) /* closed since the look */
    return fall_back(SLUICE_WIRE_NO_SOCKET, cfg->fallback, bytes);
  count(SLUICE_WIRE_STEERED, bytes);
  return XDP_REDIRECT;
}

char _license[] SEC("license") = "Dual BSD/GPL";
