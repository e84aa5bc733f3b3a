/* The packet loop: what Python and C have in common. `detector/meter/compiled.py` mirrors these structures,
 * field by field, and gives the offsets and functions of NFStream's engine, so that nothing here is linked
 * against it.
 */
#ifndef IOTIDS_LOOP_H
#define IOTIDS_LOOP_H

#include <stdint.h>

/* NFStream's struct nf_packet; `loop_layout` lets Python check that it is. */
struct packet {
    uint8_t direction;
    uint64_t time, delta_time;
    uint64_t src_ip[2], dst_ip[2];
    uint16_t src_port;
    uint8_t src_mac[6], dst_mac[6];
    uint16_t dst_port;
    uint8_t ip_version, protocol;
    uint16_t vlan_id, flags;
    uint16_t raw_size, ip_size, transport_size, payload_size, ip_content_len;
    uint8_t *ip_content;
    uint32_t tunnel_id;
};

enum found { PACKET = 1, IGNORED = 0, NOTHING = -1, END = -2 }; /* of `capture_next` */
enum expiry { IDLE, ACTIVE, CLOSED, EVICTED, FLUSHED, REASONS };
enum stopped { DRAINED, ENOUGH, FULL, DOUBT };

/* Bytes of a flow that go to one place of an exported row. */
struct span {
    uint16_t from, to, bytes;
};

/* A sum of squared deviations in a row, the packet count beside it, and the degrees of freedom lost. */
struct deviation {
    uint16_t at, packets_at, lost;
};

struct settings {
    int (*capture_next)(void *, struct packet *, int, int, uint64_t, int);
    void *(*initialize_flow)(struct packet *, uint8_t, uint8_t, uint16_t, uint8_t, void *, uint8_t);
    uint8_t (*update_flow)(void *, struct packet *, uint64_t, uint64_t, uint8_t, uint8_t, uint16_t, uint8_t,
                           void *, uint8_t);
    void (*free_flow)(void *, uint8_t, uint16_t, uint8_t);
    const struct span *spans[2]; /* as metered, and with the two directions exchanged */
    uint64_t span_counts[2];
    const struct deviation *deviations;
    uint64_t deviation_count;
    uint64_t last_seen_at, src_fins_at, dst_fins_at, answers_at;       /* in a flow */
    uint64_t src_ip_at, dst_ip_at, version_at, reason_at, export_at, source_at, row_bytes; /* in a row */
    uint64_t idle_ms, active_ms, max_flows, max_senders, key_mask, seed, source;
    int64_t max_step_ms; /* negative: every stamp is believed */
    uint64_t closes, keeps_direction, late_packets;
};

/* What Python may read between two calls, and what it sets: `rows`, `now_ms` and `thinned`. */
struct state {
    int64_t now_ms;
    uint64_t open, metered, late, refused, shed, expired[REASONS];
    uint64_t next_idle_ms, remembered;
    uint8_t *rows;
    uint64_t row_count, row_limit;
    uint64_t thinned; /* one new flow in 2^thinned is metered */
    uint64_t count, settled, at; /* of the block: packets, those with a settled time, those metered */
    uint64_t read, ignored;      /* by the last call */
    int64_t found;
};

#endif
