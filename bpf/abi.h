/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the steer program and user space share. Plain C, so that both sides include the very same lines. */
#ifndef SLUICE_BPF_ABI_H
#define SLUICE_BPF_ABI_H

#include <linux/types.h>

/* Names of the pins below <wire-dir>/<interface>/ in sluice-wire's own bpffs. */
#define SLUICE_PIN_LINK "link"
#define SLUICE_PIN_PROG "prog"
#define SLUICE_PIN_XSKS "xsks_map"       /* XSKMAP: receive queue -> socket of a worker */
#define SLUICE_PIN_PEER "peer"           /* DEVMAP: [0] = the other port of the inline pair */
#define SLUICE_PIN_CONFIG "config"       /* ARRAY: [0] = struct sluice_wire_config; sluiced may write it (bypass) */
#define SLUICE_PIN_HEARTBEAT "heartbeat" /* ARRAY, mmapable: [queue] = CLOCK_MONOTONIC ns of the worker's last poll */
#define SLUICE_PIN_COUNTERS "counters"   /* PERCPU_ARRAY: [enum sluice_wire_counter] = struct sluice_wire_count */

#define SLUICE_MAX_QUEUES 64

/* What happens to packets that no live worker can take. */
enum sluice_wire_fallback {
  SLUICE_FALLBACK_FORWARD = 0, /* fail open: straight to the peer port */
  SLUICE_FALLBACK_DROP = 1,
};

struct sluice_wire_config {
  __u64 heartbeat_max_age_ns; /* older than this: the worker counts as dead */
  __u32 bypass;               /* 1: nothing goes to the workers */
  __u32 fallback;             /* enum sluice_wire_fallback */
};

enum sluice_wire_counter {
  SLUICE_WIRE_STEERED,   /* handed to a worker's socket */
  SLUICE_WIRE_BYPASS,    /* switch is on */
  SLUICE_WIRE_NO_SOCKET, /* no socket on this queue */
  SLUICE_WIRE_STALE,     /* heartbeat too old */
  SLUICE_WIRE_DROPPED,   /* fallback was to drop */
  SLUICE_WIRE_NO_PEER,   /* fallback was to forward, but the pair has no other port */
  SLUICE_WIRE_COUNTERS
};

struct sluice_wire_count {
  __u64 pkts;
  __u64 bytes;
};

#ifdef __cplusplus
static_assert(sizeof(sluice_wire_config) == 16 && sizeof(sluice_wire_count) == 16);
#else
_Static_assert(sizeof(struct sluice_wire_config) == 16, "config layout");
_Static_assert(sizeof(struct sluice_wire_count) == 16, "count layout");
#endif

#endif
